"""The pairs that a run asks for, with and without known pairs."""

from types import SimpleNamespace

import numpy as np
import pytest

from kingdra_repro.data.links import Links
from kingdra_repro.methods import choose_pairs

# Rows 0, 1 and 2 are the surest of clusters 0, 1 and 2. Row 3 most likely belongs to 0, then 1; row 4 to 2.
OUTPUTS = np.array(
    [[0.9, 0.1, 0], [0.1, 0.9, 0], [0, 0.1, 0.9], [0.5, 0.3, 0.2], [0.3, 0.1, 0.6], [0.4, 0.3, 0.3]]
)
ENSEMBLE = SimpleNamespace(n_clusters=3, predict_proba=lambda rows: OUTPUTS[rows[:, 0].astype(int)])


@pytest.mark.parametrize(
    ("known", "pairs"),
    [
        ({}, [[3, 0], [4, 2]]),
        ({"cannot_link": [[0, 3]]}, [[3, 1], [4, 2]]),
        ({"cannot_link": [[3, 5]], "must_link": [[0, 5]]}, [[3, 1], [4, 2]]),  # so 0 and 3 are apart
        ({"cannot_link": [[3, 0], [3, 1], [2, 3]]}, [[4, 2]]),
        ({"must_link": [[3, 0]]}, [[4, 2]]),
        ({"must_link": [[3, 5], [5, 0]]}, [[4, 2]]),  # so 0 and 3 are together
        ({"must_link": [[2, 4]], "must_weight": [0.5]}, [[3, 0], [4, 0]]),
    ],
)
def test_no_pair_is_asked_for_that_is_known(known, pairs):
    X = np.arange(6)[:, None]
    found = choose_pairs(ENSEMBLE, X, np.array([0, 3, 4]), Links.of(6, **known))
    assert found.tolist() == pairs
