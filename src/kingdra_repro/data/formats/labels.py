"""Labels of any kind, as classes 0..c-1."""

from typing import Any

import numpy as np
import pandas as pd

from kingdra_repro.errors import InputError


def encode_labels(labels: Any, source: str) -> np.ndarray:
    """Return number the distinct labels in their sorted order.

    Parameters
    ----------
    labels : array-like [n]
        Strings, whole numbers or booleans.
    source : str
        Where they come from, for the messages.

    Returns
    -------
    int64 array [n]
        Classes 0..c-1.

    Raises
    ------
    InputError
        Where a label is missing, they are not one to a row, or they are measurements rather than classes.
    """
    labels = np.asarray(labels)
    if labels.shape[1:] not in ((), (1,)) or labels.ndim == 0:
        raise InputError(f"{source} holds labels of shape {labels.shape}: give one label to a row")
    if labels.dtype.kind not in "iufbOUSMm":
        raise InputError(f"{source} holds labels of type {labels.dtype}: give words or whole numbers")
    values = pd.Series(labels.reshape(-1))
    missing = np.flatnonzero(values.isna())
    if len(missing):
        raise InputError(
            f"{source} has no label in row {missing[0]} (counted from 0): fill it in, leave the row out, or "
            "give labels of some rows, to learn from, with dataset.given"
        )
    if values.dtype.kind == "f" and not (values == values.round()).all():
        first = values[values != values.round()].iloc[0]
        raise InputError(
            f"{source} has labels such as {first}, which are measurements, not classes: name another column"
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError(f"{source} has an infinite label: give words or whole numbers")
    try:
        codes, _ = pd.factorize(values, sort=True)
    except TypeError as error:
        raise InputError(
            f"{source} has labels that are lists ({error}): give words or whole numbers"
        ) from error
    return codes.astype(np.int64)


def label_names(labels: Any) -> list[str]:
    """Return the distinct labels as text, in the order that `encode_labels` numbers them."""
    _, distinct = pd.factorize(pd.Series(np.asarray(labels).reshape(-1)), sort=True)
    if distinct.dtype.kind == "f":  # whole numbers all of them, as `encode_labels` has checked
        distinct = distinct.astype(np.int64)
    return [str(label) for label in distinct]


def encode_given(
    labels: Any | None, given: Any, source: str
) -> tuple[np.ndarray | None, np.ndarray, list[str]]:
    """Return number the labels of a data set and those given to learn from together.

    Parameters
    ----------
    labels : array-like [n] or None
        For scores alone; all of them known.
    given : array-like [n]
        To learn from; blank or -1 where not known.
    source : str
        Where those given come from, for the messages.

    Returns
    -------
    y : int64 array [n] or None
    given : int64 array [n], -1 where not known
    names : the distinct labels as text, in their order

    Raises
    ------
    InputError
        As `encode_labels`; where none is known; where one are words and the other numbers.
    """
    values = pd.Series(np.asarray(given).reshape(-1))
    blank = values.astype(str).str.strip().isin(["", "-1"])  # of spaces alone, too
    known = (~(values.isna() | blank | values.isin([-1]))).to_numpy()
    if not known.any():
        raise InputError(f"{source} has no label at all: fill some in")
    found = values[known]
    if labels is not None:
        own = pd.Series(np.asarray(labels).reshape(-1))
        if pd.api.types.is_numeric_dtype(own) != pd.api.types.is_numeric_dtype(found.infer_objects()):
            raise InputError(f"{source} and dataset.labels are words and numbers: give one kind")
        found = pd.concat([own, found], ignore_index=True)
    both = found.infer_objects().to_numpy()
    codes = encode_labels(both, source)
    n_labels = len(codes) - int(known.sum())
    encoded = np.full(len(values), -1, np.int64)
    encoded[known] = codes[n_labels:]
    return (None if labels is None else codes[:n_labels]), encoded, label_names(both)
