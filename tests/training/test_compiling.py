"""Only tested versions of PyTorch are allowed, and only those that compiled correctly compile by default."""

import tomllib
from pathlib import Path

import pytest

from kingdra_repro.training.step import COMPILES_RIGHT, compiles_right

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_the_allowed_versions_are_those_that_were_tried() -> None:
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    minor = [int(version.removeprefix("2.")) for version in COMPILES_RIGHT]
    assert minor == list(range(minor[0], minor[-1] + 1))
    assert f"torch>=2.{minor[0]},<2.{minor[-1] + 1}" in project["dependencies"]


@pytest.mark.parametrize(
    ("version", "expected"),
    [("2.13.0+cpu", True), ("2.11.0+cu130", False), ("2.15.0", False), ("2.1.0", False), ("3.0.0", False)],
)
def test_a_version_that_was_wrong_or_not_tried_does_not_compile_by_itself(
    version: str, expected: bool
) -> None:
    assert compiles_right(version) == expected
