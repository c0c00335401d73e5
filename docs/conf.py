"""Settings of the documentation: `make docs` builds it into build/docs, with warnings as errors.

Why Sphinx with numpydoc: it is well kept (Material for MkDocs ends in 2027) and takes docstrings as they are.
Pages are Markdown (MyST), so that CONTRIBUTING, the log and the generated tables are pages as they are.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from kingdra_repro.report.tables.readme import all_tables

DOCS = Path(__file__).parent
MADE = DOCS / "_generated"  # by this file, at each build
PROGRAMS = ("run", "data", "reproduce", "report", "predict", "runs")

project = "Kingdra"
author = "The kingdra-repro maintainers"
extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_parser"]
exclude_patterns = ["_generated"]
html_theme = "furo"
html_title = "Kingdra"
html_copy_source = False
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # a generated table begins with a heading of the third level
default_role = "code"
autodoc_member_order = "groupwise"
autodoc_default_options = {"members": True, "imported-members": True, "inherited-members": True}
numpydoc_show_class_members = False


def make_pages(app: Sphinx) -> None:
    """Write what other files of the repository hold: the tables of results/, and what `--help` prints."""
    MADE.mkdir(exist_ok=True)
    (MADE / "tables.md").write_text(all_tables(DOCS.parent / "results"))
    for name in PROGRAMS:
        call = f"from kingdra_repro.programs.{name} import main; main()"
        command = [sys.executable, "-c", call, "--help"]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        (MADE / f"{name}.txt").write_text(text)


def skip_foreign(app: Sphinx, what: str, name: str, member: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what a class inherits from another package, such as scikit-learn's metadata routing."""
    module = getattr(member, "__module__", None)
    return True if module is not None and not str(module).startswith("kingdra_repro") else None


def setup(app: Sphinx) -> None:
    """Connect the two functions above."""
    app.connect("builder-inited", make_pages)
    app.connect("autodoc-skip-member", skip_foreign)
