"""pyproject.toml lists packages and their data files by hand: the lists match the folders."""

import tomllib
from importlib.resources import files
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_all_packages_are_listed():
    folders = [path.parent for path in (ROOT / "src" / "kingdra_repro").rglob("__init__.py")]
    names = {".".join(folder.relative_to(ROOT / "src").parts) for folder in folders}
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == sorted(names | {"kingdra_repro.configs"})


def test_every_folder_of_modules_is_a_package():
    for module in (ROOT / "src").rglob("*.py"):
        assert (module.parent / "__init__.py").exists(), module


def test_configs_are_found_where_they_are_installed():
    assert files("kingdra_repro.configs").joinpath("config.yaml").is_file()
    assert files("kingdra_repro.configs").joinpath("hydra/help/kingdra.yaml").is_file()


def test_files_that_are_no_modules_are_packaged():
    listed = PROJECT["tool"]["setuptools"]["package-data"]
    for package, patterns in listed.items():
        if package != "kingdra_repro.configs":
            folder = ROOT / "src" / Path(*package.split("."))
            found = {file for pattern in patterns for file in folder.glob(pattern)}
            others = {file for file in folder.iterdir() if file.is_file() and file.suffix != ".py"}
            assert found == others, package
    for file in (ROOT / "src").rglob("*.*"):
        if file.suffix not in (".py", ".pyc") and file.is_file() and "egg-info" not in str(file):
            package = ".".join(file.parent.relative_to(ROOT / "src").parts)
            assert package in listed or package.startswith("kingdra_repro.configs"), file


def test_constraints_pin_torch():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert any(line.startswith("torch==") for line in lines)
