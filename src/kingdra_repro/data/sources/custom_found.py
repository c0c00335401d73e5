"""What a user's file or folder holds, whatever its kind, and how its features are checked and scaled."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kingdra_repro.data.features.picture_vectorizer import PictureVectorizer
from kingdra_repro.data.features.pictures import PictureFiles
from kingdra_repro.data.features.table_settings import TableSettings
from kingdra_repro.data.features.table_vectorizer import TableVectorizer
from kingdra_repro.data.features.tfidf import TextVectorizer
from kingdra_repro.data.formats.labels import Labels
from kingdra_repro.data.formats.streamed_parquet import StreamedParquet
from kingdra_repro.data.formats.text_format import TextFormat
from kingdra_repro.data.scaling import Scaler, fit_scaler, scalable
from kingdra_repro.data.sources.custom_folder import folder_features
from kingdra_repro.data.sources.custom_streamed import table_columns, validated
from kingdra_repro.data.sources.custom_table import table_features
from kingdra_repro.data.streamed import Matrix, StreamedMatrix
from kingdra_repro.data.validation import (
    check_n_clusters,
    check_spread,
    checked_labels,
    validate,
    warn_of_constant_columns,
    warn_of_large_values,
)


@dataclass(frozen=True)
class Found:
    """What a file or folder holds."""

    X: Matrix
    labels: Labels | None = None
    labels_are_a_column: bool = False
    names: list[str] | None = None  # of the columns
    auto_scale: str | None = None  # what scale="auto" means for it
    row_names: list[str] | None = None
    pictures: PictureFiles | None = None
    vectorizer: TableVectorizer | TextVectorizer | PictureVectorizer | None = None  # None: of an array
    table: pd.DataFrame | None = None
    rows: np.ndarray = field(default_factory=lambda: np.arange(0))  # those of the table that X is of
    given: Labels | None = None  # a column of labels to learn from
    image_shape: tuple[int, ...] | None = None
    pixels: bool = False  # X was uint8, and is divided by 255


def found_in_folder(
    path: Path,
    words: Mapping[str, Any],
    pictures: Mapping[str, Any],
    n_clusters: int | None,
    data_dir: str | os.PathLike | None,
    mirror: str | os.PathLike | None,
) -> Found:
    """Find features of texts or pictures, see `folder_features`."""
    found = folder_features(path, words, pictures, n_clusters, data_dir, mirror)
    return Found(
        found.X,
        None if found.classes is None else Labels(found.classes),
        names=found.vectorizer.words if isinstance(found.vectorizer, TextVectorizer) else None,
        row_names=found.names,
        pictures=found.pictures,
        vectorizer=found.vectorizer,
    )


def found_in_table(
    path: Path,
    labels: str | os.PathLike | None,
    given: str | os.PathLike | None,
    text: str | None,
    id: str | None,
    settings: TableSettings,
    written: TextFormat,
    words: Mapping[str, Any],
) -> Found:
    """Find features of a table in memory, see `table_features`."""
    column, told = (None if name is None else str(name) for name in (labels, given))
    found = table_features(path, column, text, id, settings, written, words, told)
    return Found(
        found.X,
        found.classes,
        found.classes is not None,
        found.names,
        "standard" if text is None else None,
        found.row_names,
        vectorizer=found.vectorizer,
        rows=found.rows,
        table=found.table,
        given=found.given,
    )


def scaled(
    found: Found, y: Any, n_clusters: int, scale: str | None
) -> tuple[Matrix, np.ndarray | None, Scaler | None]:
    """Check features and labels, and scale the features; the scaler is that of all but a table's numbers."""
    if isinstance(found.X, StreamedMatrix):
        check_n_clusters(n_clusters, len(found.X))
        y = checked_labels(y, len(found.X))
        streamed = validated(found.X, scale, found.names)
        if not isinstance(found.vectorizer, TableVectorizer):
            return streamed, y, streamed.scaler
        found.vectorizer.scaler = streamed.scaler
        return streamed, y, None
    X, y = validate(found.X, y, n_clusters, feature_names=found.names)
    scaler = None
    # Of the numbers as they were read: float32 keeps little of a column that varies about a large mean.
    if scale is None:
        check_spread(found.X, found.names)
    elif isinstance(found.vectorizer, TableVectorizer):
        X = found.vectorizer.fit_scale(np.asarray(found.X), scale).astype(np.float32)
    else:
        numbers = scalable(found.X)
        scaler = fit_scaler(numbers, scale)
        X = scaler.transform(numbers).astype(np.float32)
    warn_of_constant_columns(X, found.names)
    warn_of_large_values(X, scale)
    return X, y, scaler


def found_in_streamed(
    table: StreamedParquet,
    labels: str | os.PathLike | None,
    given: str | os.PathLike | None,
    settings: TableSettings,
    buffer_rows: int | None,
    data_dir: str | os.PathLike | None,
    **refused: Any,
) -> Found:
    """Find the features of Parquet in one file, see `StreamedParquet.matrix`.

    ``refused`` are settings of tables in memory alone; none may have a value.
    """
    column, told = (str(name) if str(name) in table.names else None for name in (labels, given))
    names = table_columns(table, settings, (column, told), **refused)
    vectorizer = TableVectorizer(settings)
    vectorizer.numbers = names
    return Found(
        table.matrix(names, data_dir).with_buffer(buffer_rows),
        None if column is None else Labels(table.column(column)),
        column is not None,
        names,
        "standard",
        vectorizer=vectorizer,
        given=None if told is None else Labels(table.column(told)),
    )


def of_rows(labels: Labels | None, found: Found) -> Labels | None:
    """Of labels of all rows of a table, those of the rows that are kept."""
    if labels is None or found.table is None or len(labels) != len(found.table):
        return labels
    return labels.of(found.rows)
