"""Settings of kingdra-reproduce: quoting of paths, and parsing of durations."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from kingdra_repro.reproduce.settings import as_override, parse_duration


@pytest.mark.parametrize("path", ["/a/b", "it's", "a b,c=(d)", r"back\slash", r"both\'", "naïve"])
def test_paths_are_read_as_they_were_given(path):
    (override,) = OverridesParser.create().parse_overrides([as_override("mirror", path)])
    assert override.value() == path


@pytest.mark.parametrize(
    ("given", "seconds"), [("2h", 7200), ("90min", 5400), ("1h30m", 5400), ("1.5s", 1.5)]
)
def test_durations(given, seconds):
    assert parse_duration(given) == seconds
