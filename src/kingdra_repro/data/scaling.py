"""Bringing the columns of a user's data to one scale."""

from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

from kingdra_repro.checks import must_be
from kingdra_repro.data.validation import canonical_csr

Scaler: TypeAlias = MaxAbsScaler | MinMaxScaler | StandardScaler
KINDS: dict[str, type] = {kind.__name__: kind for kind in (MaxAbsScaler, MinMaxScaler, StandardScaler)}
FITTED = ("mean_", "scale_", "min_")


def fit_scaler(X: np.ndarray | sp.csr_matrix, scale: str) -> Scaler:
    """scikit-learn's scaler of each column by itself.

    Parameters
    ----------
    X : ndarray or CSR matrix [n, d] of finite numbers
    scale : {"minmax", "standard"}
        "minmax": each column to 0-1. "standard": each column to mean 0 and variance 1. Sparse columns are
        never shifted, as that would make them dense: "minmax" divides them by their largest absolute value,
        "standard" by their standard deviation. Constant columns become 0 ("standard" of a sparse one: stays
        as it is).

    Raises
    ------
    InputError
        Where `scale` is none of these.
    """
    return new_scaler(scale, sparse=sp.issparse(X)).fit(X)


def new_scaler(scale: str, *, sparse: bool = False) -> Scaler:
    """Make a scaler that is not fitted yet; see `fit_scaler`."""
    if scale == "minmax":
        return MaxAbsScaler() if sparse else MinMaxScaler()
    if scale == "standard":
        return StandardScaler(with_mean=not sparse)
    raise must_be("auto, null, minmax or standard", "scale", scale)


def shifts(scaler: Scaler | None) -> bool:
    """Whether a scaler moves the zeros of a column, which a sparse matrix cannot have."""
    return isinstance(scaler, MinMaxScaler) or (isinstance(scaler, StandardScaler) and scaler.with_mean)


def scaler_state(scaler: Scaler) -> dict[str, Any]:
    """Return what a scaler has fitted, as what JSON can hold."""
    fitted = {name: getattr(scaler, name, None) for name in FITTED}
    about = {
        "kind": type(scaler).__name__,
        "with_mean": getattr(scaler, "with_mean", True),
        "dtype": str(scaler.scale_.dtype),  # with another, sums would round otherwise
    }
    return about | {name: values.tolist() for name, values in fitted.items() if values is not None}


def scaler_of(state: dict[str, Any]) -> Scaler:
    """Return the scaler whose `scaler_state` this is."""
    kind = KINDS[state["kind"]]
    scaler = StandardScaler(with_mean=state["with_mean"]) if kind is StandardScaler else kind()
    for name in FITTED:
        if name in state:
            setattr(scaler, name, np.array(state[name], np.dtype(state["dtype"])))
    return scaler


def scalable(X: np.ndarray | sp.csr_matrix) -> np.ndarray | sp.csr_matrix:
    """Return X as scikit-learn scales it rightly: no number in several pieces, and none of float16."""
    if sp.issparse(X):
        X = canonical_csr(X)
    return X.astype(np.float32) if X.dtype == np.float16 else X
