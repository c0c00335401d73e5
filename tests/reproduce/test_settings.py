"""Settings of kingdra-reproduce: quoting of paths, and parsing of durations."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from kingdra_repro.reproduce.settings import as_override, parse_duration, settings


@pytest.mark.parametrize(
    "path",
    ["/a/b", "it's", "a b,c=(d)", r"back\slash", r"both\'", "naïve", "2024_12_01", "1e5", "007", "end\\"],
)
def test_paths_are_read_as_they_were_given(path):
    (override,) = OverridesParser.create().parse_overrides([as_override("mirror", path)])
    assert override.value() == path


def test_a_folder_may_be_called_like_a_date_and_numbers_stay_numbers():
    cfg = settings(
        [
            "output_dir=2024_12_01",
            "results=1e5",
            "seeds=0..4",
            "launcher=slurm_local",
            "launcher.timeout_min=1.5",
            "n=2",
        ]
    )
    assert (cfg.output_dir, cfg.results, cfg.seeds, cfg.n) == ("2024_12_01", "1e5", "0..4", 2)
    assert cfg.launcher.timeout_min == 1.5


@pytest.mark.parametrize(
    ("given", "seconds"), [("2h", 7200), ("90min", 5400), ("1h30m", 5400), ("1.5s", 1.5)]
)
def test_durations(given, seconds):
    assert parse_duration(given) == seconds
