"""Read tables of any file format as DataFrames with column names."""

import json
import logging
import re
from collections.abc import Callable, Collection
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api import types

from kingdra_repro.data.formats.delimited import read_delimited
from kingdra_repro.data.formats.memory import check_fits, check_n_columns
from kingdra_repro.data.formats.text_format import TextFormat
from kingdra_repro.data.formats.unpacked import unpack, unpacked_name
from kingdra_repro.errors import InputError, first_line

log = logging.getLogger(__name__)

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": None, ".dat": None, ".data": None}
TABLE_ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".feather", ".xlsx", ".jsonl")
EXTRA_TABLE_ENDINGS = (".tab", ".dat", ".data", ".arrow", ".ndjson", ".json")


def is_table(path: Path) -> bool:
    """Return whether a file is a table by its name; a .zip counts, because it may contain one."""
    ending = Path(unpacked_name(path)).suffix.lower()
    return ending in TABLE_ENDINGS + EXTRA_TABLE_ENDINGS or path.suffix.lower() == ".zip"


def text_settings(path: Path) -> tuple[str, ...]:
    """Return the names of the settings of `TextFormat` that a table's format has, by the file's name."""
    ending = Path(unpacked_name(path)).suffix.lower()
    if ending in JSON_ENDINGS:
        return ("encoding",)
    return () if ending in READERS else ("separator", "decimal", "encoding", "header")


def table_name(path: Path) -> str:
    """Return the file name without its suffixes: ``trees`` for ``trees.csv.gz``."""
    return Path(unpacked_name(path)).stem if is_table(path) else path.stem


def read_as_written(
    path: Path,
    columns: Collection[str] | None,
    text_format: TextFormat = TextFormat(),  # noqa: B008
    words: Collection[str] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a table with column names, and the original text of some columns.

    Parameters
    ----------
    path : Path
        ``.csv``, ``.tsv``, ``.txt``; ``.parquet``, ``.feather``, ``.xlsx`` (its first sheet), ``.jsonl`` (one
        object per line); each also packed as ``.gz``, ``.zst`` or ``.zip``.
    columns : collection of str or None
        Columns whose original text is returned, if they exist. If None, all columns.
    text_format : TextFormat
        The format of a text file.
    words : collection of str
        Columns that are known to hold words, even if all of their cells here look like numbers.

    Returns
    -------
    table : DataFrame [n, columns]
        Column names are str. The index has row names if there are some, in an unnamed first column or in the
        saved index of a DataFrame.
    written : DataFrame [n, the existing columns of ``columns``] of str, None if empty
        Has no columns if the file is not text, because its cells have types of their own.

    Raises
    ------
    InputError
        If the file cannot be read as a table, does not fit into memory, or the library that reads it is
        missing.
    """
    name, content = unpack(path)
    ending = Path(name).suffix.lower()
    written = pd.DataFrame()
    try:
        if ending in SEPARATORS:
            table, written = read_delimited(content, text_format, path, SEPARATORS[ending], columns, words)
        elif ending in JSON_ENDINGS:
            table = _read_json(content, path, text_format.codec or "utf-8-sig")
        elif ending in READERS:
            table = READERS[ending](content, path)
        else:
            raise InputError(f"{path} holds {name}, not a table: give one of {', '.join(TABLE_ENDINGS)}")
    except (InputError, MemoryError):
        raise
    except UnicodeError as error:
        reason = getattr(error, "reason", error)
        raise InputError(
            f"{path} is not written in the encoding {text_format.encoding or 'UTF-8'} ({reason}): give "
            "dataset.encoding=NAME"
        ) from error
    except ImportError as error:
        library, extra = ("openpyxl", "excel") if ending == ".xlsx" else ("pyarrow", "parquet")
        raise InputError(f"{path} needs {library} to read: pip install 'kingdra-repro[{extra}]'") from error
    except Exception as error:  # the readers raise many kinds of errors for broken files
        raise InputError(
            f"{path} is not a readable {ending} table ({first_line(error)}): correct it, or save it again"
        ) from error
    if table.columns.nlevels > 1:
        raise InputError(f"{path} has multi-level column names: give each column one name")
    if not len(table):
        raise InputError(f"{path} has no rows below its first line: give a table with rows")
    table.columns = table.columns.map(str)
    table = _without_nameless(table, path)
    if table.columns.has_duplicates:
        twice = table.columns[table.columns.duplicated()][0]
        raise InputError(f"{path} has two columns named {twice!r}: give each a name of its own")
    kept = [name for name in written.columns if name in table.columns]
    return table, written[kept].set_axis(table.index) if kept else pd.DataFrame(index=table.index)


def _without_nameless(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Remove unnamed columns that are empty or row numbers; make unnamed row names the index."""
    nameless = [i for i, name in enumerate(table.columns) if not name.strip()]
    empty = [i for i in nameless if table.iloc[:, i].isna().all()]
    left_out = list(empty)
    index: pd.Index = pd.RangeIndex(len(table))
    if nameless and nameless[0] == 0 and 0 not in empty and len(table.columns) > 1:
        first = table.iloc[:, 0]
        whole = types.is_numeric_dtype(first) and not types.is_bool_dtype(first) and (first % 1 == 0).all()
        if whole and first.is_unique:
            left_out.append(0)
            if not np.array_equal(first, np.arange(len(table))):
                log.warning("The first column of %s has no name: its row numbers are left out", path)
        elif first.is_unique and first.notna().all() and not types.is_numeric_dtype(first):
            left_out.append(0)
            index = pd.Index(first.astype(str), name=None)
            log.warning("The first column of %s has no name: it is taken for the rows' names", path)
    if wrong := [i for i in nameless if i not in left_out]:
        raise InputError(
            f"{path} has no name for column {wrong[0]} (counted from 0): write one into its first line, "
            "or remove the column"
        )
    kept = table.iloc[:, [i for i in range(len(table.columns)) if i not in left_out]]
    # An index of numbers or of several levels has no names, as in `StreamedParquet.frames`.
    nameless_rows = types.is_numeric_dtype(table.index) or table.index.nlevels > 1
    return kept.set_axis(index if left_out or nameless_rows else table.index.astype(str), axis=0)


def _read_parquet(content: Path | BytesIO, path: Path) -> pd.DataFrame:
    import pyarrow.parquet as pq

    about = pq.ParquetFile(content).metadata
    check_n_columns(path, about.num_columns)
    check_fits(path, about.num_rows * about.num_columns * 8)
    return pd.read_parquet(content)


def _read_feather(content: Path | BytesIO, path: Path) -> pd.DataFrame:
    import pyarrow as pa

    with pa.ipc.open_file(str(content) if isinstance(content, Path) else content) as file:
        check_n_columns(path, len(file.schema))
        batches, n_bytes = [], 0
        for i in range(file.num_record_batches):
            batches.append(file.get_batch(i))
            n_bytes += batches[-1].nbytes
            check_fits(path, n_bytes)
        return pa.Table.from_batches(batches, file.schema).to_pandas()


def _read_excel(content: Path | BytesIO, path: Path) -> pd.DataFrame:
    from zipfile import ZipFile

    with ZipFile(content) as archive:
        check_fits(path, sum(member.file_size for member in archive.infolist()))
    with pd.ExcelFile(content, engine="openpyxl") as book:
        first, *others = book.sheet_names
        if others:
            log.warning(
                "%s has %d sheets: %r is read; save another as a file of its own",
                path,
                1 + len(others),
                first,
            )
        # As objects: beside fractions, pandas would turn a name such as 2020 into 2020.0.
        cells = pd.read_excel(
            book, sheet_name=first, header=None, dtype=object, keep_default_na=False, na_values=[""]
        )
    cells = cells.dropna(how="all", axis=1)
    if cells.shape[1] == 1:  # as in a text file, a blank line is a missing value, except at the end
        column = cells.iloc[:, 0]
        cells = cells.loc[column.first_valid_index() : column.last_valid_index()]
    else:
        cells = cells.dropna(how="all")
    while len(cells) > 1 and cells.shape[1] > 1 and cells.iloc[0].notna().sum() < 2:  # a title
        cells = cells.iloc[1:].dropna(how="all", axis=1)
    names = [("" if pd.isna(name) else str(name)) for name in cells.iloc[0]] if len(cells) else []
    return cells.iloc[1:].infer_objects().set_axis(names, axis=1).reset_index(drop=True)


def _read_json(content: Path | BytesIO, path: Path, encoding: str) -> pd.DataFrame:
    """Read a list of objects, or one per line. pandas is not used: it guesses dates from column names."""
    whole = content.getvalue() if isinstance(content, BytesIO) else content.read_bytes()
    written = whole.decode(encoding)
    if written.lstrip().startswith("["):
        rows = json.loads(written)
    else:  # str.splitlines would also split inside texts, for example at U+2028
        rows = [json.loads(line) for line in re.split("[\r\n]", written) if line.strip()]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError('it holds no objects such as {"age": 3}')
    check_n_columns(path, max(map(len, rows), default=0))
    return pd.DataFrame(rows)


JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
READERS: dict[str, Callable[[Path | BytesIO, Path], pd.DataFrame]] = {
    ".parquet": _read_parquet,
    ".feather": _read_feather,
    ".arrow": _read_feather,
    ".xlsx": _read_excel,
}
