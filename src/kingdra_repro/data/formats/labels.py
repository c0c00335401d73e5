"""Encode labels of any kind as classes 0..c-1."""

import logging
from dataclasses import dataclass
from math import isnan
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from kingdra_repro.data.formats.text_format import MISSING
from kingdra_repro.errors import InputError

log = logging.getLogger(__name__)

# What other programs write for unknown values. "none" may be a class, such as a grade of pain.
UNKNOWN = tuple(mark for mark in MISSING if mark not in ("", "none", "None"))
EXACT = 2**53  # float64 holds all integers below it


@dataclass(frozen=True)
class Labels:
    """The labels of n rows, as read from a file.

    Attributes
    ----------
    values : array-like [n], or [n, 1]
        Words, whole numbers or booleans. They define the classes and their order.
    written : Series [n] of str, or None
        The labels as written in a text file, None if empty. They define the names of the classes: a label 007
        has the value 7 and the name 007.
    rows : int64 array [n] or None
        Their row numbers in the file, for messages; None: 0, 1, 2...
    """

    values: Any
    written: pd.Series | None = None
    rows: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: np.ndarray) -> "Labels":
        """Return the labels of the rows with these indices (int64 array [m])."""
        written = None if self.written is None else self.written.iloc[rows]
        return Labels(np.asarray(self.values)[rows], written, rows)


def encode_labels(
    labels: Any, source: str, written: pd.Series | None = None, rows: np.ndarray | None = None
) -> tuple[np.ndarray, list[str]]:
    """Encode labels as classes in their sorted order, and name the classes.

    Parameters
    ----------
    labels : array-like [n], or [n, 1]
        Strings, whole numbers or booleans.
    source : str
        Where the labels come from, for messages.
    written, rows : see `Labels`
        If a class is written in several ways, such as 7 and 007, the first one is its name.

    Returns
    -------
    classes : int64 array [n], 0..c-1
    names : list of str [c]

    Raises
    ------
    InputError
        If a label is missing, there is not exactly one label per row, or the labels are measurements, of an
        unsupported type, or integers that float64 does not hold.
    """
    labels = np.asarray(labels)
    if labels.shape[1:] not in ((), (1,)) or labels.ndim == 0:
        raise InputError(f"{source} holds labels of shape {labels.shape}: give one label to a row")
    if labels.dtype.kind not in "iufbOUSMm":
        raise InputError(f"{source} holds labels of type {labels.dtype}: give words or whole numbers")
    values = _alike(_stripped(labels))
    missing = np.flatnonzero(values.isna())
    if len(missing):
        row = missing[0] if rows is None else rows[missing[0]]
        raise InputError(
            f"{source} has no label in row {row} (counted from 0): fill it in, leave the row out, or "
            "give labels of some rows, to learn from, with dataset.given"
        )
    if values.dtype.kind == "f" and not (values == values.round()).all():
        first = values[values != values.round()].iloc[0]
        raise InputError(
            f"{source} has labels such as {first}, which are measurements, not classes: name another column"
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError(f"{source} has an infinite label: give words or whole numbers")
    if values.dtype.kind == "f" and len(large := values[values.abs() >= EXACT]):
        raise InputError(
            f"{source} has labels such as {large.iloc[0]:.0f}, which are not told apart beside blank cells "
            "or fractions, where numbers are read as float64: give words or smaller numbers"
        )
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
    """Return labels [n] or [n, 1] as a Series; words have no surrounding blanks, and are None if empty."""
    values = pd.Series(np.asarray(labels).reshape(-1))
    if values.dtype.kind not in "OS":
        return values
    # NumPy and HDF5 may hold words as bytes.
    words = values.map(lambda cell: cell.decode(errors="replace") if isinstance(cell, bytes) else cell)
    return words.map(lambda cell: (cell.strip() or None) if isinstance(cell, str) else cell)


def _alike(values: pd.Series) -> pd.Series:
    """Return labels with numbers as words if some are words: a spreadsheet may hold 1 as either."""
    is_word = values.map(lambda cell: isinstance(cell, str)).astype(bool)
    if values.dtype.kind != "O" or not is_word.any():
        return values
    return values.map(
        lambda cell: str(cell).removesuffix(".0") if isinstance(cell, Real) and not isnan(cell) else cell
    )


def _words(values: pd.Series, written: pd.Series | None) -> pd.Series:
    """Return labels as str, numbers without the ".0" that pandas adds if the column has blank cells."""
    is_number = types.is_numeric_dtype(values) and not types.is_bool_dtype(values)
    if written is None:
        written = values.astype(object).map(str)
    return written.str.removesuffix(".0") if is_number else written


def encode_given(
    labels: Labels | None, given: Labels, source: str
) -> tuple[np.ndarray | None, np.ndarray, list[str]]:
    """Encode the labels of a data set and the labels given for learning with one common set of classes.

    Parameters
    ----------
    labels : Labels [n] or None
        Used only for scores; all of them are known.
    given : Labels [n]
        Used for learning. An unknown label is blank, -1, or a mark such as NA or ? that is not in `labels`.
    source : str
        Where the given labels come from, for messages.

    Returns
    -------
    y : int64 array [n] or None
    given : int64 array [n], -1 if unknown
    names : list of str [c], the distinct labels in their sorted order

    Raises
    ------
    InputError
        As `encode_labels`. Also if no given label is known, or if one of the two holds words and the other
        numbers, unless the given numbers are all among the words, or the words are True and False.
    """
    values = _stripped(given.values)
    own = None if labels is None else _alike(_stripped(labels.values))
    marks = values.isin(UNKNOWN) & ~values.isin([] if own is None else own.unique())
    known = (~(values.isna() | values.isin([-1, "-1", "-1.0"]) | marks)).to_numpy()
    if not known.any():
        raise InputError(f"{source} has no label at all: fill some in")
    found = _alike(values[known].infer_objects())
    words = None if given.written is None else given.written[known]
    if words is not None and (numbers := pd.to_numeric(found, errors="coerce")).notna().all():
        found = numbers  # the other words in this column were marks of unknown labels
    if own is not None and labels is not None:
        found_words, own_words = _words(found, words), _words(own, labels.written)
        if types.is_bool_dtype(own) and words is not None:
            # Beside blank cells, True and False are words; a spreadsheet writes TRUE and FALSE.
            truth = found_words.str.lower().map({"true": True, "false": False})
            found = truth.astype(bool) if truth.notna().all() else found
        kinds = [types.is_numeric_dtype(column) for column in (own, found)]
        if kinds == [False, True] and found_words.isin(own_words).all():
            found = found_words  # for example 1 and 2 are given, and the classes are 1, 2 and other
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
