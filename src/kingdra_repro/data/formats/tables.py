"""CSV and Parquet tables with named columns."""

import io
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from kingdra_repro.errors import InputError

log = logging.getLogger(__name__)

TABLE_ENDINGS = (".csv", ".parquet")
MISSING = ("NA", "N/A", "NULL", "null", "None", "#N/A")  # what pandas reads as a missing value, but for nan


def read_table(path: Path) -> pd.DataFrame:
    """Read a table with column names.

    Parameters
    ----------
    path : Path
        ``.csv`` (comma-separated, names in the first line) or ``.parquet``.

    Returns
    -------
    DataFrame

    Raises
    ------
    InputError
        Where it cannot be read as such, the first line holds numbers in place of names, a column has no name
        or another one's, or Parquet is asked for without pyarrow.
    """
    try:
        table = pd.read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
    except (InputError, MemoryError):
        raise
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not written in UTF-8 ({error.reason}): save it as UTF-8") from error
    except ImportError as error:
        raise InputError(f"{path} needs pyarrow to read: pip install 'kingdra-repro[parquet]'") from error
    except Exception as error:  # pandas' and Arrow's readers fail in many ways on such bytes
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"{path} is not a readable {path.suffix} table ({reason}): save it anew") from error
    if table.columns.nlevels > 1:
        raise InputError(f"{path} has columns with names of several parts: give each one name")
    if not len(table):
        raise InputError(f"{path} has no rows below its first line: there is nothing to cluster")
    table.columns = table.columns.astype(str)
    return table


def numeric_columns(table: pd.DataFrame, columns: Sequence[str] | None, source: str) -> pd.DataFrame:
    """The columns to cluster by: those named, or else all, which must then be numeric.

    Parameters
    ----------
    table : DataFrame
    columns : sequence of str or None
    source : str
        Where it comes from, for the messages.

    Returns
    -------
    DataFrame
        Of numbers and booleans.

    Raises
    ------
    InputError
        Where a named column is not there, or columns are not numeric: all of these are named.
    """
    if columns is not None:
        if len(set(columns)) < len(columns):
            raise InputError(f"dataset.columns={list(columns)} names a column twice: once is enough")
        unknown = [name for name in columns if name not in table.columns]
        if unknown:
            raise InputError(f"{source} has no column {unknown[0]!r}: it has {listed(table.columns)}")
        table = table[list(columns)]
    wrong = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    if wrong:
        raise InputError(
            f"{source} has columns that are not numeric: {listed(wrong)}. Name the one with the classes with "
            "dataset.labels=NAME, choose the features with dataset.columns=[A,B], or turn them into numbers"
        )
    return table


def text_column(table: pd.DataFrame, column: str, source: str) -> list[str]:
    """The texts of a column; missing ones are empty.

    Raises
    ------
    InputError
        Where there is no such column, or it holds numbers.
    """
    if column not in table.columns:
        raise InputError(f"{source} has no column {column!r}: it has {listed(table.columns)}")
    if pd.api.types.is_numeric_dtype(table[column]):
        raise InputError(
            f"{source}'s column {column!r} holds numbers, not texts: name another, or leave it out"
        )
    return table[column].fillna("").astype(str).tolist()


def listed(names: Sequence[str] | pd.Index) -> str:
    """Names for a one-line message: all of a few, the first eight of many."""
    shown = ", ".join(repr(str(name)) for name in names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"


def _read_csv(path: Path) -> pd.DataFrame:
    names = _names_in_first_line(path)
    # A blank line is a missing value where there is one column; at the end it is just the end.
    lines = io.BytesIO(path.read_bytes().rstrip() + b"\n") if len(names) == 1 else path
    with warnings.catch_warnings():
        # Without index_col, pandas takes what a line has beyond the names for the names of rows.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # columns of mixed types are refused later
        try:
            table = pd.read_csv(lines, index_col=False, skip_blank_lines=len(names) > 1)
        except pd.errors.ParserWarning as error:
            raise InputError(
                f"{path} has lines of more values than its first line has names ({listed(names)}): write the "
                "columns' names there, separate values by commas, with points for decimals"
            ) from error
    return _without_row_numbers(table, names, path)


def _names_in_first_line(path: Path) -> list[str]:
    """The names of a CSV's columns as they are written; without one: ``""``."""
    first = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False)
    names = [str(name).strip() for name in first.iloc[0]]
    if len(names) == 1 and (other := next((one for one in (";", "\t", "|") if one in names[0]), None)):
        raise InputError(f"{path} has its values separated by {other!r}: save it with commas")
    given = [name for name in names if name and name not in MISSING]
    if given and all(_is_number(name) for name in given):
        raise InputError(
            f"{path} has numbers in its first line ({', '.join(names[:3])}...): write the columns' names "
            "there; years or numbers that are names need a letter (y2001)"
        )
    if twice := next((name for name in given if names.count(name) > 1), None):
        raise InputError(f"{path} has two columns named {twice!r}: give each a name of its own")
    return names


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def _without_row_numbers(table: pd.DataFrame, names: list[str], path: Path) -> pd.DataFrame:
    """Leave out the nameless first column of row numbers that pandas writes: it is no feature."""
    nameless = [column for column, name in enumerate(names) if not name]
    if nameless == [0] and len(names) > 1:
        numbers = table.iloc[:, 0]
        if pd.api.types.is_integer_dtype(numbers) and numbers.is_unique:
            if not np.array_equal(numbers, np.arange(len(table))):
                log.warning("The first column of %s has no name: its row numbers are left out", path)
            return table.iloc[:, 1:]
    if nameless:
        raise InputError(
            f"{path} has no name for column {nameless[0]} (counted from 0): write one into its first line, "
            "or remove the column"
        )
    return table
