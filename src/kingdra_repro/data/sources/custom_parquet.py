"""Features of a user's Parquet table that does not fit in memory."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kingdra_repro.data.features.column_kinds import is_row_number
from kingdra_repro.data.features.table_settings import TableSettings
from kingdra_repro.data.features.table_vectorizer import TableVectorizer
from kingdra_repro.data.formats.labels import Labels
from kingdra_repro.data.formats.streamed_parquet import StreamedParquet, is_parquet
from kingdra_repro.data.formats.tables import is_table
from kingdra_repro.data.sources.custom_streamed import is_large
from kingdra_repro.data.sources.raw_data import RawData
from kingdra_repro.data.streamed import StreamedMatrix
from kingdra_repro.errors import InputError, format_names

log = logging.getLogger(__name__)

BYTES_PER_CELL = 20  # of a table in memory: in pandas, as float64 and as float32


def streamed_table(path: Path, stream: bool | str) -> StreamedParquet | None:
    """Return a Parquet table that is read in blocks; None if `path` is to be read in another way.

    Raises
    ------
    InputError
        If ``stream`` asks for what is not possible: True for another kind of table or folder, False for a
        folder of Parquet files.
    """
    if not is_parquet(path):
        if stream is True and (path.is_dir() or is_table(path)):
            raise InputError(
                f"dataset.stream=true is for Parquet, .npy and .npz, not for {path}: save it as one of them, "
                "or leave dataset.stream out"
            )
        return None
    if path.is_dir() and stream is False:
        raise InputError(f"{path} is a folder of Parquet, which is always streamed: leave dataset.stream out")
    if stream is False:
        return None
    found = StreamedParquet(path)
    if path.is_dir() or stream is True or is_large(BYTES_PER_CELL * found.n * len(found.names)):
        return found
    return None


def parquet_features(
    table: StreamedParquet,
    labels: str | None,
    given: str | None,
    settings: TableSettings,
    buffer_rows: int | None,
    data_dir: str | os.PathLike | None,
) -> RawData:
    """Return the features of a Parquet table, as a matrix in a single file that is kept in the data folder.

    `labels` and `given` name the columns with the classes and with the labels to learn from, or separate
    files, which the caller reads.

    Raises
    ------
    InputError
        If a column does not exist, is named for two purposes or is not numeric, a value is missing, or the
        disk is full.
    """
    column, given_column = (name if name in table.names else None for name in (labels, given))
    names = _columns(table, settings, (column, given_column))
    vectorizer = TableVectorizer(settings)
    vectorizer.numbers = names
    return RawData(
        StreamedMatrix(table.matrix(names, data_dir), buffer_rows),
        feature_names=names,
        labels=None if column is None else Labels(table.column(column)),
        given=None if given_column is None else Labels(table.column(given_column)),
        vectorizer=vectorizer,
    )


def _columns(table: StreamedParquet, settings: TableSettings, others: Sequence[str | None]) -> list[str]:
    """Return the columns to cluster by; `others` are columns with another purpose.

    The columns must be numeric. Row numbers are left out, unless they are in ``settings.columns``.
    """
    import pyarrow.types as kinds

    chosen = settings.columns
    for setting, named in (("columns", chosen or ()), ("drop", settings.drop)):
        if unknown := [name for name in named if name not in table.names]:
            raise InputError(f"{table.path} has no column {unknown[0]!r}: it has {format_names(table.names)}")
        if setting == "columns" and (twice := [name for name in named if name in others]):
            raise InputError(f"dataset.columns has {twice[0]!r}, which is named for another purpose, too")
    left = [name for name in table.names if name not in settings.drop and name not in others]
    names = left if chosen is None else chosen
    types_of = {name: table.type_of(name) for name in names}
    numbers = (kinds.is_integer, kinds.is_floating, kinds.is_boolean)
    if other := [name for name in names if not any(kind(types_of[name]) for kind in numbers)]:
        raise InputError(
            f"{table.path} has columns that are not numeric: {format_names(other)}. Leave them out with "
            f"dataset.drop=[{','.join(other)}], or {table.in_memory_hint} where memory holds the table"
        )
    found = list(names)
    for name in names if chosen is None else ():
        if kinds.is_integer(types_of[name]):
            column = table.column(name)
            if not column.hasnans and is_row_number(column.to_numpy(np.float64)):
                found.remove(name)
    if left_out := [name for name in names if name not in found]:
        log.warning("Columns of %s that are left out, as row numbers: %s", table.path, format_names(left_out))
    if not found:
        raise InputError(
            f"{table.path} has no column left to cluster by: name those that you want with "
            "dataset.columns=[A,B]"
        )
    return found
