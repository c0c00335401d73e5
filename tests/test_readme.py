"""Commands, links and the example in README.md, CONTRIBUTING.md and docs/ are valid."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from kingdra_repro.programs.sweep import expand_sweep
from kingdra_repro.reproduce.settings import settings
from tests.programs.test_configs import composed

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def _commands(program: str) -> list[str]:
    lines = "\n".join(page.read_text() for page in PAGES)
    return sorted(set(re.findall(rf"^{program} (.*?)(?: +#.*)?$", lines, re.MULTILINE)))


COMMANDS = _commands("kingdra-run")


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 8


def test_the_readme_is_short() -> None:
    assert len(TEXT.splitlines()) <= 120


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert not [target for target in targets if not (page.parent / target).exists()]


def test_the_citation_is_of_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])


@pytest.mark.parametrize("command", _commands("kingdra-reproduce"))
def test_settings_of_kingdra_reproduce_exist(command: str) -> None:
    settings(command.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_settings_of_a_command_exist(command: str, tmp_path: Path) -> None:
    given = [word for word in expand_sweep(command.split()) if "=" in word and word[0] != "-"]
    if "--config-dir" in command:
        page = (ROOT / "docs" / "own-data.md").read_text()
        ((name, config),) = re.findall(r"`cfg/(dataset/\w+.yaml)`:\n\n```yaml\n(.*?)```", page, re.DOTALL)
        (tmp_path / "dataset").mkdir()
        (tmp_path / name).write_text(config)
        given.append(f"hydra.searchpath=[{tmp_path}]")
    composed(*(word if "[" in word else word.split(",")[0] for word in given))  # a sweep's first job only


def test_the_example_in_python(capsys: pytest.CaptureFixture) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    short, n = re.subn(r"n_iter=5, first_epochs=20, epochs=10", "n_iter=1, first_epochs=2, epochs=1", code)
    assert n == 1
    exec(short, {})
    accuracy = float(capsys.readouterr().out.splitlines()[0])
    assert 0.2 < accuracy <= 1  # after very little training
