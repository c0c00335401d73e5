"""What every estimator takes: data frames, and columns that say nothing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kingdra_repro import methods
from kingdra_repro.bases import LadderIM

SMALL = LadderIM(hidden=(4,), denoising_costs=(10.0, 1.0, 0.1))
ONE = {"base": SMALL, "epochs": 1, "device": "cpu", "random_state": 0}
SEVERAL = {**ONE, "n_models": 2}
ITERATED = {**SEVERAL, "n_iter": 1, "first_epochs": 1}
COMPARED = {"hidden": (4,), "epochs": 1, "n_init": 1, "device": "cpu", "random_state": 0}
SETTINGS: dict[str, dict[str, Any]] = {
    "Agglomerative": {"device": "cpu"},
    "ConstrainedAutoencoder": {"hidden": (4,), "epochs": 1, "clustering_epochs": 1, "random_state": 0},
    "ConstrainedKMeans": {},
    "DAEKMeans": COMPARED,
    "DEC": {**COMPARED, "max_iter": 1},
    "DVAEKMeans": COMPARED,
    "DeepCluster": COMPARED,
    "Ensemble": SEVERAL,
    "KMeans": {"n_init": 1, "random_state": 0},
    "Kingdra": ITERATED,
    "KingdraPlus": ITERATED,
    "LogisticRegression": {},
    "NearestLabelled": {},
    "SemiSupervised": {"epochs": 1, "device": "cpu", "random_state": 0},
    "Single": ONE,
}
X = np.random.default_rng(0).normal(size=(40, 3))
GIVEN = np.where(np.arange(40) < 30, np.arange(40) % 2, -1)


def test_every_estimator_is_here() -> None:
    estimators = [name for name in methods.__all__ if hasattr(getattr(methods, name), "fit")]
    assert estimators == sorted(SETTINGS, key=methods.__all__.index)


@pytest.fixture(params=SETTINGS)
def fit(request: pytest.FixtureRequest) -> Callable[[Any], np.ndarray]:
    """The labels that an estimator gives."""
    make = getattr(methods, request.param)

    def labels(data: Any) -> np.ndarray:
        return make(2, **SETTINGS[request.param]).fit(data, GIVEN).labels_

    return labels


@pytest.mark.filterwarnings("ignore")  # one epoch is too few to converge
def test_a_column_of_one_value_is_no_error(fit: Callable[[Any], np.ndarray]) -> None:
    assert len(fit(np.column_stack([X, *(np.full(40, value) for value in (14.62, 0.1, 1 / 3))]))) == 40


@pytest.mark.filterwarnings("ignore")
def test_a_data_frame_is_taken_as_its_numbers(fit: Callable[[Any], np.ndarray]) -> None:
    expected = fit(X)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    np.testing.assert_array_equal(fit(frame), expected)
    np.testing.assert_array_equal(fit(frame.convert_dtypes()), expected)
    polars = pytest.importorskip("polars")
    np.testing.assert_array_equal(fit(polars.DataFrame(X, schema=["a", "b", "c"])), expected)
