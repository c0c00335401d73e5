"""Labels of any kind, as classes 0..c-1."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from kingdra_repro.data.formats.text_format import MISSING
from kingdra_repro.errors import InputError

log = logging.getLogger(__name__)

# Marks of other programs for what is not known. "none" may be a class, such as a grade of pain.
UNKNOWN = tuple(mark for mark in MISSING if mark not in ("", "none", "None"))


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


def encode_labels(labels: Any, source: str, written: pd.Series | None = None) -> tuple[np.ndarray, list[str]]:
    """Give the distinct labels numbers, in their sorted order, and names.

    Parameters
    ----------
    labels : array-like [n]
        Strings, whole numbers or booleans.
    source : str
        Where they come from, for the messages.
    written : Series [n] of str, or None
        See `Labels`; of 7 and 007, which are one class, the first counts.

    Returns
    -------
    classes : int64 array [n], 0..c-1
    names : list of str [c]

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
    values = _stripped(labels)
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
    _, first = np.unique(codes, return_index=True)
    names = _words(values.iloc[first], None if written is None else written.iloc[first])
    return codes.astype(np.int64), names.tolist()


def _stripped(labels: Any) -> pd.Series:
    """Return labels [n] or [n, 1] as a column, words without blanks around them, None if empty."""
    values = pd.Series(np.asarray(labels).reshape(-1))
    if values.dtype.kind != "O":
        return values
    return values.map(lambda cell: (cell.strip() or None) if isinstance(cell, str) else cell)


def _words(values: pd.Series, written: pd.Series | None) -> pd.Series:
    """How labels are written, as str; whole numbers without the decimals that stand beside blank cells."""
    is_number = types.is_numeric_dtype(values) and not types.is_bool_dtype(values)
    if written is None:
        written = values.astype(object).map(str)
    return written.str.removesuffix(".0") if is_number else written


def encode_given(
    labels: Labels | None, given: Labels, source: str
) -> tuple[np.ndarray | None, np.ndarray, list[str]]:
    """Give the labels of a data set, and those given to learn from, numbers of one sequence.

    Parameters
    ----------
    labels : Labels [n] or None
        For scores alone; all of them known.
    given : Labels [n]
        To learn from; blank, -1 or a mark such as NA or ? where not known, unless labels have such a class.
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
    values = _stripped(given.values)
    own = None if labels is None else _stripped(labels.values)
    marks = values.isin(UNKNOWN) & ~values.isin([] if own is None else own.unique())
    known = (~(values.isna() | values.isin([-1, "-1", "-1.0"]) | marks)).to_numpy()
    if not known.any():
        raise InputError(f"{source} has no label at all: fill some in")
    found = values[known].infer_objects()
    words = None if given.written is None else given.written[known]
    if words is not None and (numbers := pd.to_numeric(found, errors="coerce")).notna().all():
        found = numbers  # words in the same column were marks of unknown classes
    if own is not None and labels is not None:
        found_words, own_words = _words(found, words), _words(own, labels.written)
        kinds = [types.is_numeric_dtype(column) for column in (own, found)]
        if kinds == [False, True] and found_words.isin(own_words).all():
            found = found_words  # 1 and 2 of 1, 2 and other
        elif kinds[0] != kinds[1]:
            raise InputError(f"{source} and dataset.labels are words and numbers: give one kind")
        found, words = (
            pd.concat(pair, ignore_index=True) for pair in ((own, found), (own_words, found_words))
        )
    if marks.any():
        log.warning(
            "%s: %d cells such as %r are taken as not known", source, marks.sum(), values[marks].iloc[0]
        )
    both = found.infer_objects().to_numpy()
    codes, names = encode_labels(both, source, words)
    n_labels = len(codes) - int(known.sum())
    encoded = np.full(len(values), -1, np.int64)
    encoded[known] = codes[n_labels:]
    return (None if labels is None else codes[:n_labels]), encoded, names
