"""X as every kind of array: all estimators accept it with equal results, or refuse it with the same error."""

import warnings
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

from kingdra_repro.bases import RIM
from kingdra_repro.data.validation import ScaleWarning
from kingdra_repro.errors import InputError
from tests.methods.estimators import NAMES, make, points

X, GIVEN = points()
X = np.where(X > 0.4, X, 0)  # some zeros, for sparse matrices


def read_only(matrix: Any) -> Any:
    for part in (matrix.data, matrix.indices, matrix.indptr) if sp.issparse(matrix) else (matrix,):
        part.flags.writeable = False
    return matrix


def wide_indices() -> sp.csr_matrix:
    matrix = sp.csr_matrix(X)
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64)
    return matrix


def unsorted() -> sp.csr_matrix:
    """Return X as CSR with descending column indices and two entries of half the value for each nonzero."""
    rows = [np.flatnonzero(row)[::-1].repeat(2) for row in X]
    data = np.concatenate([X[i, columns] / 2 for i, columns in enumerate(rows)])
    starts = np.cumsum([0, *map(len, rows)])
    return sp.csr_matrix((data, np.concatenate(rows), starts), shape=X.shape)


TAKEN: dict[str, Callable[[], Any]] = {
    "read-only array": lambda: read_only(X.copy()),
    "Fortran's order": lambda: np.asfortranarray(X),
    "other byte order": lambda: X.astype(">f4"),
    "masked array with nothing masked": lambda: np.ma.masked_array(X, mask=False),
    "table": lambda: pd.DataFrame(X),
    "categories that are numbers": lambda: pd.DataFrame(X).astype("category"),
    "tensor": lambda: torch.from_numpy(X.copy()),
    "tensor with a gradient": lambda: torch.from_numpy(X.copy()).requires_grad_(),
    "COO": lambda: sp.coo_matrix(X),
    "CSR array": lambda: sp.csr_array(X),
    "read-only CSR": lambda: read_only(sp.csr_matrix(X)),
    "CSR with 64-bit indices": wide_indices,
    "unsorted CSR": unsorted,
    "read-only, unsorted CSR": lambda: read_only(unsorted()),
}
TABLE = {"a": X[:, 0], "b": X[:, 1]}
REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "masked values": (
        lambda: np.ma.masked_array(X, mask=X > 0.9),
        "X has [0-9]+ masked values: fill them in",
    ),
    "categories that are words": (
        lambda: pd.DataFrame({**TABLE, "c": pd.Categorical(list("xyz") * 30)}),
        "Column 'c' of X has values that are no numbers .category.",
    ),
    "dates": (
        lambda: pd.DataFrame({**TABLE, "c": pd.date_range("2020", periods=90)}),
        "Column 'c' of X has values that are no numbers .datetime64",
    ),
    "dates as objects": (
        lambda: pd.DataFrame({**TABLE, "c": pd.Series([date(2020, 1, 1), None] * 45, dtype=object)}),
        "Column 'c' of X has values that are no numbers .object",
    ),
    "periods": (
        lambda: pd.DataFrame({**TABLE, "c": pd.period_range("2020", periods=90, freq="D")}),
        "Column 'c' of X has values that are no numbers .period",
    ),
    "intervals": (
        lambda: pd.DataFrame({**TABLE, "c": pd.interval_range(0, 90)}),
        "Column 'c' of X has values that are no numbers .interval",
    ),
    "array of dates": (lambda: np.full((90, 2), np.datetime64("2020-01-01")), "X has dates or times"),
    "complex numbers": (lambda: X.astype(complex), "Complex data not supported: X is complex128"),
    "sparse tensor": (lambda: torch.from_numpy(X).to_sparse(), "X is a sparse tensor: give X.to_dense"),
    "tensor without values": (lambda: torch.empty(90, 6, device="meta"), "X is a tensor on device=meta"),
}


def content(given: Any) -> list[np.ndarray]:
    if sp.issparse(given) and given.format == "csr":
        return [given.data.copy(), given.indices.copy(), given.indptr.copy()]
    if isinstance(given, torch.Tensor):
        return [given.detach().numpy().copy(), np.array(given.requires_grad)]
    return [given.toarray() if sp.issparse(given) else np.array(given)]


def fitted_as(model: Any, given: Any) -> np.ndarray:
    """Fit and predict, assert that the input is unchanged, and return the labels."""
    before = content(given)
    labels = model.fit(given, GIVEN).labels_
    if hasattr(model, "predict"):
        model.predict(given)
    for one, other in zip(before, content(given), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    return labels


@pytest.mark.parametrize("kind", TAKEN)
def test_all_are_taken_alike_and_none_is_changed(kind: str) -> None:
    np.testing.assert_array_equal(fitted_as(make("KMeans"), TAKEN[kind]()), make("KMeans").fit(X).labels_)


@pytest.mark.parametrize("name", NAMES)
def test_so_does_every_estimator(name: str) -> None:
    """Check the kinds of input that need the most care."""

    def model() -> Any:
        return make(name, n_models=2, base=RIM(hidden=(8,)))

    expected = model().fit(X, GIVEN).labels_
    for kind in ("read-only, unsorted CSR", "CSR with 64-bit indices", "tensor with a gradient"):
        np.testing.assert_array_equal(fitted_as(model(), TAKEN[kind]()), expected, err_msg=kind)


@pytest.mark.parametrize("kind", REFUSED)
def test_every_estimator_refuses_the_same(kind: str) -> None:
    give, message = REFUSED[kind]
    for name in NAMES:
        with pytest.raises(InputError, match=message):
            make(name).fit(give(), GIVEN)


@pytest.mark.parametrize("size", [1e-18, 1e-30])
def test_values_whose_squares_vanish_are_refused_by_every_estimator(size: float) -> None:
    for name in NAMES:
        for given in (X * np.float32(size), sp.csr_matrix(X * np.float32(size))):
            with pytest.raises(
                InputError, match=r"X has no values above .*, whose squares are 0 .*StandardScaler"
            ):
                make(name).fit(given * 0.9, GIVEN)


def test_kingdra_plus_which_trains_two_ensembles_warns_once(caplog) -> None:
    model = make("KingdraPlus")
    model.fit(X / 100)
    assert caplog.text.count("where the networks expect about 1") == 1
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        model.fit(X * 100)
    assert sum(one.category is ScaleWarning for one in warned) == 1


def test_other_small_values_and_wide_sparse_matrices_are_told(caplog) -> None:
    make("Single", base=RIM(hidden=()), epochs=1).fit(X / 100)
    assert "The values go up to 0.01 only, where the networks expect about 1" in caplog.text
    assert "scale them (scikit-learn's StandardScaler, or dataset.scale=standard)" in caplog.text
    wide = sp.random(20, 20_001, 0.001, "csr", np.float32, random_state=0)
    make("Single", base=RIM(hidden=()), epochs=1).fit(wide)
    assert "Each batch of these 20,001 columns is made dense" in caplog.text
