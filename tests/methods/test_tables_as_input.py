"""Input that every estimator accepts: data frames and constant columns."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.methods.estimators import NAMES, make

X = np.random.default_rng(0).normal(size=(40, 3))
GIVEN = np.where(np.arange(40) < 30, np.arange(40) % 3, -1)


@pytest.fixture(params=NAMES)
def fit(request: pytest.FixtureRequest) -> Callable[[Any], np.ndarray]:
    """Return a function that fits an estimator and returns its labels."""
    return lambda data: make(request.param).fit(data, GIVEN).labels_


@pytest.mark.filterwarnings("ignore")  # so few epochs do not converge
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
