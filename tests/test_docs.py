"""Files that the documentation pages name exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
PLACES = ("", "src/kingdra_repro/", "src/kingdra_repro/data/", "src/kingdra_repro/pseudo_labels/", "configs/")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    named = re.findall(r"`((?:[\w.]+/)+[\w.]+\.(?:py|sh))`", page.read_text(encoding="utf-8"))
    ours = [name for name in named if "NAME" not in name]
    missing = [name for name in ours if not any((ROOT / place / name).is_file() for place in PLACES)]
    assert not missing
