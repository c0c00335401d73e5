"""Bringing the columns of a user's table to one scale."""

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

from kingdra_repro.errors import InputError


def scale_columns(X: np.ndarray | sp.csr_matrix, scale: str | None) -> np.ndarray | sp.csr_matrix:
    """Scale every column by itself.

    Parameters
    ----------
    X : ndarray or CSR matrix [n, d] of finite numbers
    scale : {None, "minmax", "standard"}
        None: as it is. "minmax": each column to 0-1. "standard": each column to mean 0 and variance 1.
        Sparse columns are never shifted, as that would make them dense: "minmax" divides them by their
        largest absolute value, "standard" by their standard deviation.

    Returns
    -------
    ndarray or CSR matrix [n, d]
        Constant columns become 0 ("standard" of a sparse one: stays as it is).

    Raises
    ------
    InputError
        Where `scale` is none of these.
    """
    if scale is None:
        return X
    if scale == "minmax":
        return MaxAbsScaler().fit_transform(X) if sp.issparse(X) else MinMaxScaler().fit_transform(X)
    if scale == "standard":
        return StandardScaler(with_mean=not sp.issparse(X)).fit_transform(X)
    raise InputError(f"scale={scale!r} is unknown: choose auto, null, minmax or standard", "scale")
