"""Labels of any kind, as classes 0..c-1."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kingdra_repro.errors import InputError


@dataclass(frozen=True)
class Labels:
    """Labels of n rows, as a file has them.

    Attributes
    ----------
    values : array-like [n], or [n, 1]
        Words, whole numbers or booleans: what tells the classes apart, and their order.
    written : Series [n] of str, or None
        As they stand in a file of text, None where empty: what the classes are called. 007 is the number 7.
    """

    values: Any
    written: pd.Series | None = None

    def __len__(self) -> int:
        return len(self.values)

    def of(self, rows: np.ndarray) -> "Labels":
        """Return the labels of these rows, an int64 array [m]."""
        written = None if self.written is None else self.written.iloc[rows]
        return Labels(np.asarray(self.values)[rows], written)


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


def label_names(labels: Any, written: pd.Series | None = None) -> list[str]:
    """Return the distinct labels as text, in the order that `encode_labels` numbers them.

    Parameters
    ----------
    labels : array-like [n]
        What `encode_labels` accepts.
    written : Series [n] of str, or None
        See `Labels`; of 7 and 007, which are one class, the first counts.
    """
    values = pd.Series(np.asarray(labels).reshape(-1))
    codes, _ = pd.factorize(values, sort=True)
    _, first = np.unique(codes, return_index=True)
    return _words(values, written).iloc[first].tolist()


def _words(values: pd.Series, written: pd.Series | None) -> pd.Series:
    """How labels are written, as str; whole numbers without the decimals that stand beside blank cells."""
    is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if written is None:
        written = values.astype(object).map(str)
    return written.str.removesuffix(".0") if is_number else written


def encode_given(
    labels: Labels | None, given: Labels, source: str
) -> tuple[np.ndarray | None, np.ndarray, list[str]]:
    """Return number the labels of a data set and those given to learn from together.

    Parameters
    ----------
    labels : Labels [n] or None
        For scores alone; all of them known.
    given : Labels [n]
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
    values = pd.Series(np.asarray(given.values).reshape(-1))
    blank = values.astype(str).str.strip().isin(["", "-1"])  # of spaces alone, too
    known = (~(values.isna() | blank | values.isin([-1]))).to_numpy()
    if not known.any():
        raise InputError(f"{source} has no label at all: fill some in")
    found = values[known]
    words = _words(found, None if given.written is None else given.written[known])
    if labels is not None:
        own = pd.Series(np.asarray(labels.values).reshape(-1))
        if pd.api.types.is_numeric_dtype(own) != pd.api.types.is_numeric_dtype(found.infer_objects()):
            raise InputError(f"{source} and dataset.labels are words and numbers: give one kind")
        found = pd.concat([own, found], ignore_index=True)
        words = pd.concat([_words(own, labels.written), words], ignore_index=True)
    both = found.infer_objects().to_numpy()
    codes = encode_labels(both, source)
    n_labels = len(codes) - int(known.sum())
    encoded = np.full(len(values), -1, np.int64)
    encoded[known] = codes[n_labels:]
    return (None if labels is None else codes[:n_labels]), encoded, label_names(both, words)
