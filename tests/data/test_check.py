"""Checks of data sets that are as expected, and of others."""

import numpy as np
import pytest
import scipy.sparse as sp

from kingdra_repro.data.catalog import CATALOG
from kingdra_repro.data.check import check_dataset
from kingdra_repro.data.dataset import Dataset

KNOWN = CATALOG["reuters"]


def texts(length: float) -> Dataset:
    """Return random rows of Euclidean norm `length`, as many as Reuters has documents."""
    words = sp.random(KNOWN.n, KNOWN.d - 1, 0.005, random_state=0)
    X = sp.hstack([np.ones((KNOWN.n, 1)), words])  # no row is empty
    X = sp.csr_matrix(X.multiply(length / np.sqrt(X.multiply(X).sum(axis=1))), dtype=np.float32)
    return Dataset("reuters", X, np.arange(KNOWN.n) % KNOWN.k, KNOWN.k)


@pytest.mark.parametrize("length", [1, 2000**0.5], ids=["one", "sqrt_d"])
def test_rows_of_texts_of_either_length_are_right(length: float) -> None:
    for result in check_dataset(texts(length), KNOWN, None, None):
        assert result.ok, result


def test_rows_of_texts_of_another_length_are_wrong() -> None:
    results = check_dataset(texts(2.0), KNOWN, None, None)
    (wrong,) = [result for result in results if not result.ok]
    assert wrong.name == "length of rows"
    assert wrong.message == "2.0000 to 2.0000; expected 1 or 44.7214"
