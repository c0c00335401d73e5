"""A user's table, as features."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from pandas.api import types

from kingdra_repro.data.features.column_kinds import words_of
from kingdra_repro.data.features.part_of_table import check_dropped
from kingdra_repro.data.features.table_settings import TableSettings
from kingdra_repro.data.features.table_vectorizer import TableVectorizer
from kingdra_repro.data.features.tfidf import TextVectorizer
from kingdra_repro.data.formats.labels import Labels
from kingdra_repro.data.formats.tables import read_as_written
from kingdra_repro.data.formats.text_format import TextFormat
from kingdra_repro.errors import InputError, listed

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TableFeatures:
    """What a table holds.

    Attributes
    ----------
    X : float64 array [m, d], not scaled, or CSR matrix [m, d] of tf-idf
    classes : Labels [n] or None
        The column of the labels, of all rows of the table.
    given : Labels [n] or None
        The column of the labels to learn from, likewise.
    names : list of str [d]
    rows : int64 array [m]
        The rows of the table that X is of.
    table : DataFrame [n, columns]
        Names of rows and labels as they stand in a file of text, all else as it was read. With more rows than
        m where those with missing cells are left out.
    row_names : list of str [m] or None
    vectorizer : TableVectorizer; TextVectorizer of a column of texts
    """

    X: np.ndarray | sp.csr_matrix
    classes: Labels | None
    names: list[str]
    rows: np.ndarray
    table: pd.DataFrame
    row_names: list[str] | None
    vectorizer: TableVectorizer | TextVectorizer
    given: Labels | None = None


def table_features(
    path: Path,
    labels: str | None,
    text: str | None,
    id: str | None,
    settings: TableSettings,
    written: TextFormat,
    words: Mapping[str, Any],
    given: str | None = None,
) -> TableFeatures:
    """Features of a table: its columns, or the words of one column of texts by tf-idf.

    Parameters
    ----------
    path : Path
    labels : str or None
        The column with the classes; or a file of its own, which the caller reads.
    text, id : str or None
        Columns with the texts to cluster by, and with the rows' names.
    settings : TableSettings
    written : TextFormat
    words : mapping
        Settings of `TextVectorizer`.
    given : str or None
        As ``labels``, but to learn from.

    Raises
    ------
    InputError
        Where the table cannot be read, a column is not there or named for two purposes, or `TableVectorizer`
        finds fault with it.
    """
    chosen = [name for name in (labels, given, id) if name is not None]
    table, as_written = read_as_written(path, chosen, written)
    columns = settings.columns
    if labels is not None and labels == given:
        raise InputError(f"dataset.given={given} is dataset.labels, too: give different columns")
    for setting, name in (("labels", labels), ("given", given)):
        if name is not None and columns is not None and name in columns:
            raise InputError(f"dataset.columns has {name!r}, which is dataset.{setting}: leave it out of one")
        if text is not None and text == name:
            raise InputError(f"dataset.text={text} is dataset.{setting}, too: leave it out of one")
    for setting, value in asdict(settings).items():
        if text is not None and value != getattr(TableSettings(), setting):
            shown = list(value) if isinstance(value, tuple) else value
            raise InputError(f"dataset.{setting}={shown} has no effect beside dataset.text: leave one out")
    if id is not None and id in (labels, given, text, *(columns or ())):
        raise InputError(f"dataset.id={id} is named for another purpose, too: leave it out of one")
    if id is not None and id not in table.columns:
        raise InputError(f"{path} has no column {id!r} (dataset.id): it has {listed(table.columns)}")
    for setting, name in (("labels", labels), ("given", given)):
        if name is not None and name not in table.columns and not Path(name).expanduser().is_file():
            raise InputError(
                f"dataset.{setting}={name} is neither a file nor one of {path}'s columns: "
                f"{listed(table.columns)}"
            )
    classes, told = (
        Labels(table[name], as_written.get(name)) if name in table.columns else None
        for name in (labels, given)
    )
    features = table.drop(columns=[name for name in chosen if name in table.columns])
    table = table.assign(**as_written)
    if text is not None:
        by_words = TextVectorizer(**words)
        X = by_words.fit_transform(texts_of(table, text, str(path)))
        rows = np.arange(len(table))
        named = row_names(table, id, rows)
        return TableFeatures(X, classes, by_words.words, rows, table, named, by_words, told)
    # What is left out of the features already may be named among what to leave out.
    settings = replace(settings, drop=tuple(name for name in settings.drop if name not in chosen))
    vectorizer = TableVectorizer(settings)
    values, rows = vectorizer.fit(features, str(path)).transform(features, str(path))
    check_dropped(len(rows), len(table), str(path))
    named = row_names(table, id, rows)
    names = vectorizer.feature_names
    return TableFeatures(values, classes, names, rows, table, named, vectorizer, told)


def row_names(table: pd.DataFrame, id: str | None, rows: np.ndarray) -> list[str] | None:
    """Name some rows of a table, by their numbers where some are left out; None: 0, 1, 2 ..."""
    if id is not None:
        named = words_of(table[id]).fillna("").tolist()
    elif not isinstance(table.index, pd.RangeIndex):
        named = table.index.astype(str).tolist()
    elif len(rows) == len(table):
        return None
    else:
        named = [str(row) for row in range(len(table))]
    return [named[row] for row in rows]


def column_names(setting: str, names: Any) -> list[str]:
    """Return the names of columns that a setting gives: one, or a list; InputError where they are neither."""
    if isinstance(names, str | int):
        return [str(names)]
    if not isinstance(names, Sequence):
        raise InputError(
            f"dataset.{setting} must be a list of names; got {names!r}: give dataset.{setting}=[A,B]"
        )
    return [str(name) for name in names]


def texts_of(table: pd.DataFrame, column: str, source: str) -> list[str]:
    """Return the texts of a column; missing ones are empty."""
    if column not in table.columns:
        raise InputError(f"{source} has no column {column!r}: it has {listed(table.columns)}")
    if types.is_numeric_dtype(table[column]):
        raise InputError(
            f"{source}'s column {column!r} holds numbers, not texts: name another, or leave it out"
        )
    return table[column].fillna("").astype(str).tolist()
