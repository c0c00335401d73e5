"""Scalers for the columns of a user's data: fitted, saved and restored."""

from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

from kingdra_repro.checks import invalid_value
from kingdra_repro.data.validation import canonical_csr

Scaler: TypeAlias = MaxAbsScaler | MinMaxScaler | StandardScaler
KINDS: dict[str, type] = {kind.__name__: kind for kind in (MaxAbsScaler, MinMaxScaler, StandardScaler)}
FITTED = ("mean_", "scale_", "min_")


def fit_scaler(X: np.ndarray | sp.csr_matrix, scale: str) -> Scaler:
    """Fit a scikit-learn scaler, which scales each column separately.

    Parameters
    ----------
    X : ndarray or CSR matrix [n, d] of finite numbers
    scale : {"minmax", "standard"}
        "minmax": each column to 0-1. "standard": each column to mean 0 and variance 1. Sparse columns are
        never shifted, as that would make them dense: "minmax" divides them by their largest absolute value,
        "standard" by their standard deviation. Constant dense columns become 0; constant sparse columns
        become 1, -1 or 0 with "minmax" and stay unchanged with "standard".

    Raises
    ------
    InputError
        If `scale` is neither of these.
    """
    return new_scaler(scale, sparse=sp.issparse(X)).fit(X)


def new_scaler(scale: str, *, sparse: bool = False) -> Scaler:
    """Return an unfitted scaler; see `fit_scaler`."""
    if scale == "minmax":
        return MaxAbsScaler() if sparse else MinMaxScaler()
    if scale == "standard":
        return StandardScaler(with_mean=not sparse)
    raise invalid_value("auto, null, minmax or standard", "scale", scale)


def shifts_columns(scaler: Scaler | None) -> bool:
    """Return whether a scaler shifts columns, which would make a sparse matrix dense."""
    return isinstance(scaler, MinMaxScaler) or (isinstance(scaler, StandardScaler) and scaler.with_mean)


def scaler_state(scaler: Scaler) -> dict[str, Any]:
    """Return the fitted attributes of a scaler as a JSON-serialisable dict."""
    fitted = {name: getattr(scaler, name, None) for name in FITTED}
    about = {
        "kind": type(scaler).__name__,
        "with_mean": getattr(scaler, "with_mean", True),
        "dtype": str(scaler.scale_.dtype),  # another dtype would round differently
    }
    return about | {name: values.tolist() for name, values in fitted.items() if values is not None}


def scaler_from_state(state: dict[str, Any]) -> Scaler:
    """Restore a scaler from its `scaler_state`."""
    kind = KINDS[state["kind"]]
    scaler = StandardScaler(with_mean=state["with_mean"]) if kind is StandardScaler else kind()
    for name in FITTED:
        if name in state:
            setattr(scaler, name, np.array(state[name], np.dtype(state["dtype"])))
    return scaler


def prepare_for_scaling(X: np.ndarray | sp.csr_matrix) -> np.ndarray | sp.csr_matrix:
    """Return X in a form that scikit-learn scales correctly: CSR without duplicates, and no float16."""
    if sp.issparse(X):
        X = canonical_csr(X)
    return X.astype(np.float32) if X.dtype == np.float16 else X
