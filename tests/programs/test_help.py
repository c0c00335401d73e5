"""--help lists choices, examples and settings that exist."""

import re

from kingdra_repro.config import names
from kingdra_repro.programs.sweep import expand_sweep
from tests.programs.test_configs import composed


def help_text(kingdra_run) -> str:
    outcome = kingdra_run("--help")
    assert outcome.status == 0
    assert outcome.err == ""
    return outcome.out


def test_all_choices_are_listed(kingdra_run):
    text = help_text(kingdra_run)
    for name in ("dataset", "method", "base", "pseudo_labels"):
        (line,) = re.findall(rf"^  {name}= +(.*)", text, re.MULTILINE)
        assert line.split(", ") == names(name)


def test_examples_and_settings_exist(kingdra_run):
    text = help_text(kingdra_run)
    examples = re.findall(r"^  kingdra-run(.*?)(?:  .*)?$", text, re.MULTILINE)
    assert len(examples) == 9
    for example in examples:
        composed(*(re.sub(r",.*", "", word) for word in expand_sweep(example.split()) if word != "-m"))
    settings = re.findall(r"^  ([a-z_.]+)=(\S+)", text.split("Settings: ")[1], re.MULTILINE)
    assert len(settings) >= 10
    for name, value in settings:
        composed(f"{name}={value}")


def test_completion_line_is_as_the_shell_wants_it(kingdra_run):
    assert 'eval "$(kingdra-run -sc install=bash)"' in help_text(kingdra_run)
