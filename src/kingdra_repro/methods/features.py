"""Validation of X: conversion to a form that every estimator can read, without changing the caller's data."""

from typing import Any, cast

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data
from torch import Tensor

from kingdra_repro.data.streamed import StreamedMatrix
from kingdra_repro.data.validation import canonical_csr, check_magnitude, check_spread
from kingdra_repro.errors import InputError

# What pandas' infer_dtype calls object columns of times, or of intervals of numbers.
TIMES = {"date", "datetime", "time", "timedelta", "period", "interval"}


def readable_features(X: Any) -> Any:
    """Return X as an array or CSR matrix if it is a tensor, masked or sparse; return anything else unchanged.

    X itself is not modified: a sparse matrix that is read-only or has unsorted rows is copied.

    Raises
    ------
    InputError
        For masked values, and for tensors, DataFrames and arrays that do not hold real numbers.
    """
    if isinstance(X, Tensor):
        return _array_of(X)
    if isinstance(X, pd.DataFrame):
        _check_columns(X)
        return X
    if isinstance(X, np.ma.MaskedArray):
        if np.ma.is_masked(X):
            n_masked = int(np.ma.count_masked(X))
            raise InputError(f"X has {n_masked} masked values: fill them in, such as by X.filled(0)")
        X = np.ma.getdata(X)
    kind = getattr(getattr(X, "dtype", None), "kind", "")
    if kind == "c":
        raise InputError(f"Complex data not supported: X is {X.dtype}; take its real part or modulus")
    if kind in ("M", "m"):
        raise InputError(f"X has dates or times ({X.dtype}): make numbers of them first")
    return _writable_csr(X) if sp.issparse(X) and np.ndim(cast(Any, X)) == 2 else X


def indexable_features(X: Any) -> Any:
    """Return X as `readable_features` does, but lists as arrays; the result can be passed to `take_rows`."""
    readable = readable_features(X)
    return readable if hasattr(readable, "shape") else np.asarray(readable)


def take_rows(X: Any, rows: np.ndarray | slice) -> Any:
    """Return rows of X, which is from `indexable_features`; a DataFrame keeps its column names."""
    return X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]


def checked_data(estimator: BaseEstimator, X: Any, *, reset: bool) -> np.ndarray | sp.csr_matrix:
    """Validate X; return it as a finite float32 array or CSR matrix [n, d]; a `StreamedMatrix` is unchanged.

    Parameters
    ----------
    reset : True for data to fit (n >= n_clusters), False for data to predict (d as in the fit)

    Raises
    ------
    InputError
        For a `StreamedMatrix` if the estimator needs all data in memory, fewer points than clusters, values
        whose squares overflow or vanish in float32, columns whose values float32 does not tell apart, and
        data that are not numbers (see `readable_features`). scikit-learn's ValueError for NaN, infinities and
        wrong shapes.
    """
    if isinstance(X, StreamedMatrix):
        return _checked_streamed(estimator, X, reset=reset)  # type: ignore[return-value]
    given = validate_data(
        estimator,
        readable_features(X),
        accept_sparse="csr",
        dtype="numeric",
        reset=reset,
        ensure_min_samples=2 if reset else 1,
    )
    check_magnitude(given)
    if reset:
        check_spread(given, getattr(estimator, "feature_names_in_", None))
    X = given.astype(np.float32, copy=False)
    if reset:
        _check_n_samples(estimator, X.shape[0])
    return X


def _checked_streamed(estimator: BaseEstimator, X: StreamedMatrix, *, reset: bool) -> StreamedMatrix:
    """Check that a matrix suits the estimator, and return it; opening it has validated its values."""
    if not getattr(estimator, "streams", False):
        raise InputError(
            f"{type(estimator).__name__} needs all data in memory: choose Single, Ensemble or Kingdra "
            "(method=single, ensemble or kingdra), which read them from their file; or, where memory holds "
            "them, save a folder as one file, and give dataset.stream=false"
        )
    if reset:
        _check_n_samples(estimator, len(X))
        estimator.n_features_in_ = X.shape[1]
    elif X.shape[1] != estimator.n_features_in_:
        raise InputError(f"X has {X.shape[1]} features; fitted were {estimator.n_features_in_}")
    return X


def _check_n_samples(estimator: BaseEstimator, n: int) -> None:
    if estimator.n_clusters > n:
        raise InputError(
            f"n_clusters must be at most n_samples={n}; got {estimator.n_clusters}", parameter="n_clusters"
        )


def _writable_csr(X: Any) -> sp.csr_matrix:
    """Return X as scikit-learn's K-means needs it: with 32-bit indices, and writable though only read."""
    rows = canonical_csr(X)
    if not all(part.flags.writeable for part in (rows.data, rows.indices, rows.indptr)):
        rows = rows.copy()
    if rows.indices.dtype != np.int32 and max(rows.nnz, *rows.shape) <= np.iinfo(np.int32).max:
        indices, indptr = rows.indices.astype(np.int32), rows.indptr.astype(np.int32)
        rows = sp.csr_matrix((rows.data, indices, indptr), shape=rows.shape)
    return rows


def _array_of(X: Tensor) -> np.ndarray:
    if X.is_meta:
        raise InputError("X is a tensor on device=meta, which has no values: give one on another device")
    if X.layout != torch.strided:
        raise InputError("X is a sparse tensor: give X.to_dense(), or a matrix of scipy.sparse")
    if X.is_complex():
        raise InputError(f"Complex data not supported: X is {X.dtype}; take its real part or modulus")
    X = X.detach().cpu()
    return (X.float() if X.is_floating_point() and X.itemsize < 4 else X).numpy()


def _check_columns(X: pd.DataFrame) -> None:
    for i, (name, dtype) in enumerate(zip(X.columns, X.dtypes, strict=True)):
        words = isinstance(dtype, pd.StringDtype)
        if dtype.kind == "O" and pd.api.types.infer_dtype(X.iloc[:, i], skipna=True) in TIMES:
            words = True
        if isinstance(dtype, pd.CategoricalDtype):
            words = dtype.categories.dtype.kind not in "iufb"
        if words or dtype.kind in "mM":
            raise InputError(
                f"Column {name!r} of X has values that are no numbers ({dtype.name}): make numbers of them, "
                "such as by pandas.get_dummies, or leave it out"
            )
