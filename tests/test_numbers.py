"""Measured numbers are only in results/: none is typed into code or settings."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = [
    path
    for folder in ("src", "configs", "scripts", "examples")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".yaml", ".toml") and path.name != "paper.yaml"
]
# A percentage with decimals, such as 28.2%, which is an unlikely value for a setting.
MEASURED = re.compile(r"\d+\.\d+ ?%")


def test_a_measured_number_is_recognised():
    assert MEASURED.search("gives 28.2% of them")


def test_no_measured_number_is_typed():
    typed = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in FILES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if MEASURED.search(line)
    ]
    assert not typed, "link to results/ in place of a number:\n" + "\n".join(typed)
