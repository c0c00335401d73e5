"""SemiSupervised, a model fitted with the classes of some points, and draw_labels, which draws them."""

from pathlib import Path

import numpy as np
import pytest

from kingdra_repro.bases import Ladder, LadderIM
from kingdra_repro.errors import InputError
from kingdra_repro.methods import Ensemble, SemiSupervised, draw_labels
from tests.methods.conftest import KillAt, Killed

SMALL = {"hidden": (128,), "denoising_costs": (100.0, 10.0, 0.1)}


def model(base=Ladder(**SMALL), **settings) -> SemiSupervised:  # noqa: B008
    return SemiSupervised(10, base=base, **{"epochs": 15, "random_state": 0, "device": "cpu", **settings})


@pytest.mark.parametrize("base", [Ladder(**SMALL), LadderIM(**SMALL)], ids=["ladder", "ladder_im"])
def test_ten_labels_of_each_class_are_enough(base, digits) -> None:
    """Observed accuracies: .925 and .933."""
    X, y = digits
    given = draw_labels(y, 10, 10, seed=0)
    fitted = model(base).fit(X, given)
    assert (fitted.labels_ == y)[given < 0].mean() > 0.88
    np.testing.assert_array_equal(fitted.predict(X), fitted.labels_)
    assert fitted.score(X, y) == (fitted.labels_ == y).mean()


def test_outputs_are_numbered_as_the_labels_given(digits) -> None:
    X, y = digits
    given = draw_labels(y, 10, 5, seed=0)
    shifted = np.where(given < 0, -1, (given + 1) % 10)
    first, second = (model(epochs=3).fit(X, labels) for labels in (given, shifted))
    assert (first.labels_ == y).mean() > 0.5
    assert (second.labels_ == (y + 1) % 10).mean() > 0.5


def test_labels_are_drawn_class_by_class_with_the_seed(digits) -> None:
    _, y = digits
    given = draw_labels(y, 10, 7, seed=1)
    assert np.bincount(given[given >= 0]).tolist() == [7] * 10
    assert (given[given >= 0] == y[given >= 0]).all()
    np.testing.assert_array_equal(given, draw_labels(y, 10, 7, seed=1))
    assert (given != draw_labels(y, 10, 7, seed=2)).any()


def test_a_part_of_each_class_is_rounded_down_but_two_at_least() -> None:
    y = np.repeat([0, 1, 2], [10, 39, 200])
    given = draw_labels(y, 3, fraction=0.1, seed=0)
    assert np.bincount(given[given >= 0]).tolist() == [2, 3, 20]
    given = draw_labels(np.repeat([0, 1], 100), 2, fraction=0.29)
    assert np.bincount(given[given >= 0]).tolist() == [29, 29]


def test_a_checkpoint_of_other_labels_is_refused(digits, tmp_path: Path) -> None:
    X, y = digits
    model(epochs=1, checkpoint_dir=tmp_path).fit(X, draw_labels(y, 10, 5, seed=0))
    with pytest.raises(InputError, match="belongs to other settings or data"):
        model(epochs=1, checkpoint_dir=tmp_path).fit(X, draw_labels(y, 10, 5, seed=1))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.full(1797, -1), "y must have labels of all 10 classes; got none of class 0"),
        (np.arange(1797) % 9, "y must have labels of all 10 classes; got none of class 9"),
        (np.arange(1797) % 11, "y must be classes 0 to 9, or -1; got values 0 to 10"),
        (
            np.arange(1796) % 10,
            r"y must be integers of shape \(1797,\), .*; got int64 of shape \(1796,\)",
        ),
        (np.linspace(0, 1, 1797), "y must be integers of shape .* got float64"),
        (None, "y is missing: give the classes 0 to k - 1 of some points"),
    ],
)
def test_labels_that_do_not_fit(y, message: str, digits) -> None:
    with pytest.raises(InputError, match=message):
        model().fit(digits[0], y)


def test_a_vanilla_ladder_finds_no_clusters(digits) -> None:
    with pytest.raises(InputError, match="base=ladder learns from labels"):
        Ensemble(10, base="ladder", n_models=1, device="cpu").fit(digits[0][:100])


def test_a_killed_fit_ends_as_one_never_killed(digits, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("kingdra_repro.training.worker.SHARE_WITHIN_PHASES", float("inf"))
    X, y = digits[0][:320], digits[1][:320]
    given = draw_labels(y, 10, 5, seed=0)
    straight = model(epochs=3).fit(X, given)
    with pytest.raises(Killed):
        model(epochs=3, checkpoint_dir=tmp_path, monitor=KillAt(8)).fit(X, given)
    resumed = model(epochs=3, checkpoint_dir=tmp_path).fit(X, given)
    np.testing.assert_array_equal(resumed.predict_proba(X), straight.predict_proba(X))
