"""The scores of a phase in its row of history.csv."""

import numpy as np
import pytest

from kingdra_repro.evaluation import phase_scores, scores

Y = np.array([0, 0, 1, 1])


def test_single_models_and_pseudo_labels():
    models = np.array([[1, 1, 0, 0], [0, 1, 1, 1]])
    row = phase_scores(Y, np.array([1, 1, 0, 0]), models, np.array([2, -1, 2, 0]))
    assert row["acc"] == row["nmi"] == row["ari"] == 1
    assert row["model_acc_mean"] == pytest.approx((1 + 0.75) / 2)
    assert (row["model_acc_min"], row["model_acc_max"]) == (0.75, 1)
    assert row["model_acc_std"] == pytest.approx(0.125)
    assert row["pseudo_label_acc"] == pytest.approx(2 / 3)


def test_no_pseudo_labels():
    models = Y[None]
    assert phase_scores(Y, Y, models, np.full(4, -1))["pseudo_label_acc"] is None
    assert "pseudo_label_acc" not in phase_scores(Y, Y, models, None)


def test_with_given_labels_the_other_points_are_classified() -> None:
    """Only the second and fourth points count, and renamed clusters are wrong."""
    given = np.array([Y[0], -1, Y[2], -1])
    assert phase_scores(Y, Y, Y[None], None, given)["acc"] == 1.0
    half = np.array([1 - Y[0], Y[1], 1 - Y[2], 1 - Y[3]])
    row = phase_scores(Y, half, half[None], None, given)
    assert row["acc"] == row["model_acc_mean"] == scores(Y, half, given)["acc"] == 0.5
    assert (row["purity_given"], row["nmi_given"]) == (1.0, 1.0)  # names do not matter here
    assert phase_scores(Y, half, half[None], np.array([0, 0, 0, -1]), given)["pseudo_label_acc"] == 1.0
    assert scores(Y, 1 - Y, given)["acc"] == 0.0
    assert scores(Y, 1 - Y)["acc"] == 1.0
