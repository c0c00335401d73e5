"""CSV and Parquet tables with named columns."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from kingdra_repro.errors import InputError

TABLE_ENDINGS = (".csv", ".parquet")


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
        Where it cannot be read as such, the first line holds numbers in place of names, or Parquet is asked
        for without pyarrow.
    """
    try:
        table = pd.read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    except ImportError as error:
        raise InputError(f"{path} needs pyarrow to read: pip install 'kingdra-repro[parquet]'") from error
    except (ValueError, OSError) as error:  # pandas' parser errors are ValueErrors
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"{path} is not a readable {path.suffix} table ({reason}): save it anew") from error
    if table.columns.nlevels > 1:
        raise InputError(f"{path} has columns with names of several parts: give each one name")
    table.columns = table.columns.astype(str)
    if path.suffix == ".csv":
        _check_separator(table, path)
    if len(table.columns) and all(_is_number(name) for name in table.columns):
        raise InputError(
            f"{path} has numbers in its first line ({', '.join(table.columns[:3])}...): "
            "write the columns' names there"
        )
    return _without_row_numbers(table)


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


def listed(names: Sequence[str] | pd.Index, at_most: int = 8) -> str:
    """Names for a one-line message: all of a few, the first of many."""
    shown = ", ".join(repr(str(name)) for name in names[:at_most])
    return shown if len(names) <= at_most else f"{shown} and {len(names) - at_most} more"


def _read_csv(path: Path) -> pd.DataFrame:
    with warnings.catch_warnings():
        # Without index_col, pandas takes what a line has beyond the names for the names of rows.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return pd.read_csv(path, index_col=False)
        except pd.errors.ParserWarning as error:
            raise InputError(
                f"{path} has lines of more values than its first line has names: separate values by commas, "
                "with points for decimals"
            ) from error


def _check_separator(table: pd.DataFrame, path: Path) -> None:
    only = table.columns[0] if len(table.columns) == 1 else ""
    if other := next((one for one in (";", "\t", "|") if one in only), None):
        raise InputError(f"{path} has its values separated by {other!r}: save it with commas")


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def _without_row_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out the nameless first column 0, 1, 2... that pandas writes: it is no feature."""
    first = table.columns[0] if len(table.columns) else ""
    if first == "Unnamed: 0" and np.array_equal(table[first], np.arange(len(table))):
        return table.drop(columns=first)
    return table
