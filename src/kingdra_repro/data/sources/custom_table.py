"""Features of a user's table that is read into memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from kingdra_repro.data.features.column_kinds import words_of
from kingdra_repro.data.features.table_settings import TableSettings, non_default_fields
from kingdra_repro.data.features.table_vectorizer import TableVectorizer, check_dropped
from kingdra_repro.data.features.tfidf import TextVectorizer
from kingdra_repro.data.formats.labels import EXACT, Labels
from kingdra_repro.data.formats.tables import read_as_written
from kingdra_repro.data.formats.text_format import TextFormat
from kingdra_repro.data.sources.raw_data import RawData
from kingdra_repro.data.streamed import Matrix
from kingdra_repro.errors import InputError, format_names


def table_features(
    path: Path,
    labels: str | None,
    given: str | None,
    text: str | None,
    id: str | None,
    settings: TableSettings,
    text_format: TextFormat,
    words: Mapping[str, Any],
) -> RawData:
    """Return features of a table: its columns, or tf-idf of the words in its column `text`.

    `labels` and `given` name the columns with the classes and with the labels to learn from, or separate
    files, which the caller reads. The column `id` has the rows' names. `words` are settings of
    `TextVectorizer`.

    Raises
    ------
    InputError
        If the table cannot be read, a column does not exist or is named for two purposes, or
        `TableVectorizer` rejects the table.
    """
    chosen = [name for name in (labels, given, id) if name is not None]
    table, as_written = read_as_written(path, chosen, text_format)
    columns = settings.columns
    if labels is not None and labels == given:
        raise InputError(f"dataset.given={given} is dataset.labels, too: give different columns")
    for setting, name in (("labels", labels), ("given", given)):
        if name is not None and columns is not None and name in columns:
            raise InputError(f"dataset.columns has {name!r}, which is dataset.{setting}: leave it out of one")
        if text is not None and text == name:
            raise InputError(f"dataset.text={text} is dataset.{setting}, too: leave it out of one")
    for setting, value in non_default_fields(settings).items():
        if text is not None:
            raise InputError(f"dataset.{setting}={value} has no effect beside dataset.text: leave one out")
    if id is not None and id in (labels, given, text, *(columns or ())):
        raise InputError(f"dataset.id={id} is named for another purpose, too: leave it out of one")
    if id is not None and id not in table.columns:
        raise InputError(f"{path} has no column {id!r} (dataset.id): it has {format_names(table.columns)}")
    for setting, name in (("labels", labels), ("given", given)):
        if name is not None and name not in table.columns and not Path(name).expanduser().is_file():
            raise InputError(
                f"dataset.{setting}={name} is neither a file nor one of {path}'s columns: "
                f"{format_names(table.columns)}"
            )
    features = table.drop(columns=[name for name in chosen if name in table.columns])
    X: Matrix
    vectorizer: TableVectorizer | TextVectorizer
    if text is not None:
        vectorizer = TextVectorizer(**words)
        X, rows = vectorizer.fit_transform(texts_of(table, text, str(path))), np.arange(len(table))
        feature_names = vectorizer.words
    else:
        # `drop` may name columns that are already left out of the features: labels, given, id.
        settings = replace(settings, drop=tuple(name for name in settings.drop if name not in chosen))
        vectorizer = TableVectorizer(settings)
        X, rows = vectorizer.fit(features, str(path)).transform(features, str(path))
        check_dropped(len(rows), len(table), str(path))
        feature_names = vectorizer.feature_names
    found_labels, found_given = (
        Labels(table[name], as_written.get(name)).take(rows) if name in table.columns else None
        for name in (labels, given)
    )
    table[as_written.columns] = as_written
    return RawData(
        X,
        feature_names=feature_names,
        row_names=row_names(table, id, rows),
        labels=found_labels,
        given=found_given,
        vectorizer=vectorizer,
        table=table,
        rows=rows,
    )


def row_names(table: pd.DataFrame, id: str | None, rows: np.ndarray) -> list[str] | None:
    """Return names of `rows`, from column `id`, the index, or row numbers; None if these are 0, 1, 2 ..."""
    if id is not None:
        column = table[id]
        if types.is_float_dtype(column) and len(large := column[column.abs() >= EXACT]):
            raise InputError(
                f"dataset.id={id} has numbers such as {large.iloc[0]:.0f}, which are not told apart beside "
                "blank cells or fractions, where numbers are read as float64: give words or smaller numbers"
            )
        named = words_of(column).fillna("").tolist()
    elif not isinstance(table.index, pd.RangeIndex):
        named = table.index.astype(str).tolist()
    elif len(rows) == len(table):
        return None
    else:
        named = [str(row) for row in range(len(table))]
    return [named[row] for row in rows]


def column_names(setting: str, names: Any) -> list[str]:
    """Return the column names in a setting, a single name or a list; InputError if it is neither."""
    if isinstance(names, str | int):
        return [str(names)]
    if not isinstance(names, Sequence):
        raise InputError(
            f"dataset.{setting} must be a list of names; got {names!r}: give dataset.{setting}=[A,B]"
        )
    return [str(name) for name in names]


def texts_of(table: pd.DataFrame, column: str, source: str) -> list[str]:
    """Return the texts of a column; missing texts become empty strings."""
    if column not in table.columns:
        raise InputError(f"{source} has no column {column!r}: it has {format_names(table.columns)}")
    if types.is_numeric_dtype(table[column]):
        raise InputError(
            f"{source}'s column {column!r} holds numbers, not texts: name another, or leave it out"
        )
    return table[column].astype(object).fillna("").astype(str).tolist()
