"""The rule that derives settings that are ``auto`` from the size of the data."""

import pytest
from hydra.utils import instantiate

from kingdra_repro.auto_settings import AutoSettings, auto_settings
from kingdra_repro.config import all_settings, with_auto_settings

CUSTOM = ("dataset=custom", "dataset.path=none.csv")


@pytest.mark.parametrize(
    ("n", "d", "expected"),
    [
        (2, 1, AutoSettings((64, 64), 100, 100, 4)),
        (192, 32, AutoSettings((64, 64), 100, 34, 4)),
        (193, 33, AutoSettings((128, 128), 75, 25, 4)),
        (1_500, 6, AutoSettings((64, 64), 13, 5, 4)),
        (100_000, 10_000, AutoSettings((256, 256), 5, 5, 4)),
    ],
)
def test_the_rule_at_its_corners(n, d, expected):
    assert auto_settings(n, d) == expected


def test_settings_of_the_user_win():
    cfg = all_settings([*CUSTOM, "base.hidden=[16]", "training.iterations=2"])
    mixed = all_settings([*CUSTOM, "base=mixed"])
    suited = with_auto_settings(cfg, 1_500, 6)
    assert (suited.base.hidden, suited.training.iterations) == ([16], 2)
    assert (suited.training.first_epochs, cfg.training.first_epochs) == (13, "auto")
    widths = [base.hidden for base in instantiate(with_auto_settings(mixed, 1_500, 6).method)().base]
    assert widths == [(64, 64), (64, 64), (32, 32), (32, 32)]


@pytest.mark.parametrize(("base", "widths"), [("ladder_im", (64, 64)), ("linear_rim", (1200, 1200))])
def test_the_first_models_of_kingdra_plus_follow_the_later_ones(base, widths):
    cfg = all_settings([*CUSTOM, "method=kingdra_plus", f"base={base}"])
    assert instantiate(with_auto_settings(cfg, 1_500, 6).method)().first_base.hidden == widths
