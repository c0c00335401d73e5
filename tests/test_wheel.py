"""A wheel that is built from a copy of the sources and installed in an empty folder runs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
RUN = """
import sys
sys.path.insert(0, sys.argv.pop(1))
import kingdra_repro
assert kingdra_repro.__file__.startswith(sys.path[0])
from kingdra_repro.programs.run import main
main()
"""


@pytest.mark.slow
def test_the_wheel_clusters_the_digits(tmp_path: Path) -> None:
    sources, site = tmp_path / "sources", tmp_path / "site"
    sources.mkdir()
    for name in ("src", "configs"):
        shutil.copytree(
            ROOT / name, sources / name, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    subprocess.run([*PIP, "wheel", "--no-deps", "--wheel-dir", tmp_path, sources], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([*PIP, "install", "--no-deps", "--target", site, wheel], check=True)
    command = [sys.executable, "-P", "-c", RUN, site, "dataset=digits", "method=kmeans"]
    subprocess.run(command, check=True, cwd=tmp_path)
    assert list(tmp_path.glob("outputs/**/result.json"))
