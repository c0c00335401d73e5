"""Numbers have one home, results/: none is typed into code or settings."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [
    path
    for folder in ("src", "configs", "scripts", "examples")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".yaml", ".toml") and path.name != "paper.yaml"
]
# A share that no one would choose as a setting: 49%, 28.2%.
MEASURED = re.compile(r"\d+\.\d+ ?%|\d*[1-9] ?%")


@pytest.mark.parametrize("text", ["gives 28.2% (std 1.4)", "features by about 2%"])
def test_a_measured_number_is_recognised(text):
    assert MEASURED.search(text)


def test_no_measured_number_is_typed():
    typed = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in FILES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if MEASURED.search(line)
    ]
    assert not typed, "link to results/ in place of a number:\n" + "\n".join(typed)
