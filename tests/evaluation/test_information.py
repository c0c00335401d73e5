"""information_score, which scores an estimator's outputs without labels."""

import numpy as np
import pytest

from kingdra_repro.evaluation import information_score


class Says:
    """A stand-in for a fitted estimator with these outputs."""

    def __init__(self, proba) -> None:
        self.proba = np.asarray(proba)

    def predict_proba(self, X):
        return self.proba


@pytest.mark.parametrize(
    ("proba", "score"),
    [
        (np.eye(4), 1.0),
        (np.eye(4)[[0, 1, 0, 1]], 0.5),  # log 2 of log 4: two of four clusters are used
        (np.eye(4)[[0, 0, 0, 0]], 0.0),
        (np.full((4, 4), 0.25), 0.0),
        ([[0.9, 0.1], [0.1, 0.9]], 1 + 0.9 * np.log2(0.9) + 0.1 * np.log2(0.1)),
        (np.ones((4, 1)), 0.0),
    ],
)
def test_information_is_a_part_of_what_k_clusters_can_tell(proba, score: float) -> None:
    assert information_score(Says(proba), None) == pytest.approx(score)
