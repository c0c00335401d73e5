"""Print pip constraints for the oldest versions that pyproject.toml allows; `make lowest` tests with them.

PyTorch is left out: its old CPU versions are not available everywhere.
"""

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
extras = project["optional-dependencies"]
wanted = [
    *project["dependencies"],
    *(one for name in extras if name not in ("dev", "docs") for one in extras[name]),
]
for name, oldest in (re.fullmatch(r"([\w-]+)>=([\d.]+).*", one).groups() for one in wanted):  # type: ignore[union-attr]
    if name != "torch":
        print(f"{name}=={oldest}")
