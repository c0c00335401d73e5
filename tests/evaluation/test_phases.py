"""A phase's row of history.csv."""

import numpy as np
import pytest

from kingdra_repro.evaluation import phase_scores

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
