"""Must-link and cannot-link pairs from a user's file, as row indices of the data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kingdra_repro.data.formats.tables import is_table, read_as_written
from kingdra_repro.data.links import Links
from kingdra_repro.data.sources.custom_cells import check_cells
from kingdra_repro.errors import InputError, format_names

COLUMNS = ("i", "j", "link")  # and weight, if pairs are uncertain


def read_links(
    path: Path, row_names: Sequence[str] | None, n: int, cells: pd.DataFrame | None = None
) -> Links:
    """Read pairs from a table with the columns ``i``, ``j``, ``link`` and optionally ``weight``.

    Parameters
    ----------
    path : Path, a table such as a .csv or .parquet
        i, j: row names, or row numbers from 0 if the data have no names; link: 1 must link, 0 cannot link,
        blank: unknown, and ignored; weight: above 0 and at most 1. Columns whose names begin with "i: " or
        "j: ", as in ask_pairs.csv, repeat the cells of these rows.
    row_names : names of the rows of the data, or None
    n : number of rows
    cells : DataFrame [n, columns] or None
        The rows of the user's table.

    Raises
    ------
    InputError
        If it is not such a table, or repeats cells that differ from the user's table; the message names the
        row.
    """
    if not path.is_file():
        raise InputError(f"dataset.links={path} does not exist ({path.absolute()}): correct the path")
    if not is_table(path):
        raise InputError(f"dataset.links={path} is not a table: give a .csv with the columns i, j, link")
    repeated, as_written = read_as_written(path, None)
    table = repeated[[name for name in repeated.columns if not name.startswith(("i: ", "j: "))]]
    unknown = [name for name in table.columns if name not in (*COLUMNS, "weight")]
    if unknown or not set(COLUMNS) <= set(table.columns):
        raise InputError(
            f"{path} has the columns {format_names(table.columns)}: give i, j, link and perhaps weight"
        )
    written = as_written[[name for name in ("i", "j") if name in as_written]]
    table = table.assign(**written).reset_index(drop=True)
    blank = table["link"].map(lambda cell: isinstance(cell, str) and not cell.strip()).astype(bool)
    table = table[table["link"].notna() & ~blank]
    if table.empty:
        raise InputError(f"{path} has no link that is filled in: give 1 or 0 to some")
    pairs = _rows_named(table[["i", "j"]], path, row_names, n)
    if cells is not None:
        for rows, prefix in zip(pairs.T, ("i: ", "j: "), strict=True):
            check_cells(path, [one.iloc[table.index] for one in (repeated, as_written)], cells, rows, prefix)
    if (itself := np.flatnonzero(pairs[:, 0] == pairs[:, 1])).size:
        raise InputError(
            f"{path} pairs {table['i'].iloc[itself[0]]} with itself in {_place(table, itself[0])}: leave "
            "that pair out"
        )
    link = pd.to_numeric(table["link"], errors="coerce")  # beside other cells, 1 and 0 are words
    if (wrong := np.flatnonzero(~link.isin([0, 1]))).size:
        cell = table["link"].iloc[wrong[0]]
        raise InputError(f"{path} has link={cell} in {_place(table, wrong[0])}: give 1 or 0")
    together = link.to_numpy() == 1
    if "weight" in table and not pd.api.types.is_numeric_dtype(table["weight"]):
        raise InputError(f"{path} has a weight that is not a number: give numbers above 0, at most 1")
    weight = table["weight"].to_numpy(np.float64) if "weight" in table else np.ones(len(table))
    if (wrong := np.flatnonzero(~((weight > 0) & (weight <= 1)))).size:
        found = "no weight" if np.isnan(weight[wrong[0]]) else f"weight={weight[wrong[0]]:g}"
        raise InputError(
            f"{path} has {found} in {_place(table, wrong[0])}: give a number above 0 and at most 1"
        )
    found_links = Links.of(n, pairs[together], pairs[~together], weight[together], weight[~together])
    assert found_links is not None  # a table has rows
    return found_links


def _rows_named(pairs: pd.DataFrame, path: Path, row_names: Sequence[str] | None, n: int) -> np.ndarray:
    """Return row indices, int64 [m, 2], from row names or, if the data have no names, from row numbers.

    The two are never mixed: a name such as 20, which has lost leading zeros, would be taken for a row number.
    """
    for name, column in pairs.items():
        if (blank := np.flatnonzero(column.isna())).size:
            raise InputError(
                f"{path} has no {name} in {_place(pairs, blank[0])}: fill it in, or leave its link blank"
            )
    cells = pd.Series(pairs.to_numpy(object).reshape(-1)).map(_text)
    if row_names is None:
        return _row_numbers(cells, path, n).reshape(-1, 2)
    names = pd.Series([name.strip() for name in row_names])
    if len(unknown := cells[~cells.isin(names)]):
        raise InputError(
            f"{path} names the row {unknown.iloc[0]!r}, which the data do not have: give names as they stand "
            f"there, such as {names[0]!r}"
        )
    if len(twice := cells[cells.isin(names[names.duplicated()])]):
        raise InputError(
            f"{path} names the row {twice.iloc[0]!r}, and {(names == twice.iloc[0]).sum()} rows of the data "
            "are called so: give dataset.id=COLUMN with a name of its own for each, or no dataset.id and "
            "row numbers"
        )
    return cells.map({name: row for row, name in names.items()}).to_numpy(np.int64).reshape(-1, 2)


def _row_numbers(cells: pd.Series, path: Path, n: int) -> np.ndarray:
    numbers = pd.to_numeric(cells, errors="coerce")
    if len(wrong := cells[numbers.isna() | (numbers % 1 != 0)]):
        raise InputError(
            f"{path} has row names such as {wrong.iloc[0]!r}, the data have none: give row numbers, or name "
            "the column with the rows' names with dataset.id"
        )
    if len(wrong := cells[~numbers.between(0, n - 1)]):
        raise InputError(f"{path} names row {wrong.iloc[0]}: the data have rows 0 to {n - 1}")
    return numbers.to_numpy(np.int64)


def _text(cell: Any) -> str:
    """Return a cell as text; in a binary file, blank cells in a column turn integers into floats."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def _place(table: pd.DataFrame, position: int) -> str:
    return f"row {table.index[position]} (counted from 0)"
