"""What is checked about a data set that is as it should be, and about others."""

import numpy as np
import pytest
import scipy.sparse as sp

from kingdra_repro.data.catalog import CATALOG
from kingdra_repro.data.check import check_dataset
from kingdra_repro.data.dataset import Dataset


def texts(name: str, length: float) -> Dataset:
    """Random rows of one length, as many as the data set has."""
    known = CATALOG[name]
    X = sp.random_array((known.n, known.d), density=0.005, format="csr", rng=np.random.default_rng(0))
    X = sp.csr_matrix(X, dtype=np.float32)
    X[:, [0]] = 1.0
    X = sp.csr_matrix(X.multiply(length / np.sqrt(X.multiply(X).sum(axis=1))), dtype=np.float32)
    counts = known.class_counts or (known.n // known.k,) * known.k
    return Dataset(name, X, np.repeat(np.arange(known.k), counts), known.k)


@pytest.mark.filterwarnings("ignore:Changing the sparsity structure")
@pytest.mark.parametrize("length", [1, 2000**0.5], ids=["one", "sqrt_d"])
def test_rows_of_texts_of_either_length_are_right(length: float) -> None:
    for finding in check_dataset(texts("reuters", length), CATALOG["reuters"], None, None):
        assert finding.right, finding


@pytest.mark.filterwarnings("ignore:Changing the sparsity structure")
def test_rows_of_texts_of_another_length_are_wrong() -> None:
    findings = check_dataset(texts("reuters", 2.0), CATALOG["reuters"], None, None)
    (wrong,) = [finding for finding in findings if not finding.right]
    assert wrong.what == "length of rows"
    assert wrong.found == "2.0000 to 2.0000; expected 1 or 44.7214"
