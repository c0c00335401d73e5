"""What README.md says can be done, can be."""

import re
from pathlib import Path

import pytest

from kingdra_repro.config import register_resolvers, register_schema
from tests.programs.test_configs import composed

TEXT = (Path(__file__).parent.parent / "README.md").read_text()
COMMANDS = re.findall(r"^kingdra-run (.*?)(?: +#.*)?$", TEXT, re.MULTILINE)


@pytest.fixture(autouse=True)
def _registered() -> None:
    register_schema()
    register_resolvers()


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 8


@pytest.mark.parametrize("command", COMMANDS)
def test_settings_of_a_command_exist(command: str) -> None:
    composed(*(re.sub(r",.*", "", word) for word in command.split() if "=" in word and word[0] != "-"))


def test_the_example_in_python(capsys: pytest.CaptureFixture) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    short, n = re.subn(r"n_iter=5, first_epochs=20, epochs=10", "n_iter=1, first_epochs=2, epochs=1", code)
    assert n == 1
    exec(short, {})
    accuracy = float(capsys.readouterr().out.splitlines()[0])
    assert 0.2 < accuracy <= 1  # of hardly any training
