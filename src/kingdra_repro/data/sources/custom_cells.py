"""The user's columns in a run's tables: their names there, and the check that repeated cells are the same."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from kingdra_repro.data.formats.text_format import MISSING
from kingdra_repro.errors import InputError

TOLERANCE = 1e-5  # relative: a spreadsheet may keep as few as six digits of a number
LONGEST = 60  # characters of a cell in a message


def clear_names(columns: Iterable[str], taken: Collection[str]) -> dict[str, str]:
    """Return new names for those of the user's columns whose names are taken: with "input " before them.

    It is repeated where the user has such a column as well.
    """
    used, clear = {*columns, *taken}, {}
    for name in used.intersection(columns).intersection(taken):
        clear[name] = f"input {name}"
        while clear[name] in used:
            clear[name] = f"input {clear[name]}"
    return clear


def check_cells(
    path: Path,
    answer_cells: Sequence[pd.DataFrame],
    table_cells: pd.DataFrame,
    rows: np.ndarray,
    prefix: str = "",
) -> None:
    """Compare cells of a file of answers with the same cells of the user's table.

    Parameters
    ----------
    path : Path
        The file of answers.
    answer_cells : sequence of DataFrame [m, columns]
        Its cells, as parsed and, for a text file, as written: 12,5 is 12.5 in the one and a word in the
        other. A cell must match in one of them. Columns that are not in the user's table are ignored.
    table_cells : DataFrame [n, columns]
        The rows of the user's table that are in the data.
    rows : int64 array [m]
        The rows of `table_cells` that the answers are for.
    prefix : str
        Prefix of the column names in the file of answers.

    Raises
    ------
    InputError
        If a cell differs; the message names the first such row. 12 and 12.0 are equal, and so are 007 and 7.
    """
    names = [name for name in table_cells.columns if prefix + name in answer_cells[0]]
    differ = np.zeros((len(rows), len(names)), bool)
    for column, name in enumerate(names):
        read = [one[prefix + name] for one in answer_cells if prefix + name in one]
        differ[:, column] = np.all([_differ(cells, table_cells[name].iloc[rows]) for cells in read], axis=0)
    if not differ.any():
        return
    at, column = np.argwhere(differ)[0]
    name = names[column]
    cell, own = _shown(answer_cells[0][prefix + name].iloc[at]), _shown(table_cells[name].iloc[rows[at]])
    raise InputError(
        f"{path} is of other data: row {rows[at]} (counted from 0) has {prefix + name}={cell} there, and "
        f"{own} here: give the table of that run, its rows in the same order; or, where only the way cells "
        "are written has changed, remove that column from the answers"
    )


def _differ(answer_cells: pd.Series, table_cells: pd.Series) -> np.ndarray:
    """Return which cells differ in value, not only in how they are written: bool array [m]."""
    if types.is_datetime64_any_dtype(table_cells):
        days = [
            pd.to_datetime(column, errors="coerce", format="mixed", utc=True).to_numpy()
            for column in (answer_cells, table_cells)
        ]
        return (days[0] != days[1]) & ~(pd.isna(days[0]) & pd.isna(days[1]))
    words = [column.map(_word).to_numpy(object) for column in (answer_cells, table_cells)]
    a, b = (pd.to_numeric(pd.Series(one), errors="coerce").to_numpy(np.float64) for one in words)
    return (words[0] != words[1]) & ~np.isclose(a, b, rtol=TOLERANCE, atol=0)


def _word(cell: Any) -> str:
    """Return a cell as case-folded text, so that TRUE equals True; markers of missing cells become empty."""
    word = "" if types.is_scalar(cell) and pd.isna(cell) else str(cell).strip()
    return "" if word in MISSING else word.casefold()


def _shown(cell: Any) -> str:
    text = str(cell)
    return repr(text if len(text) <= LONGEST else text[:LONGEST] + "...") if _word(cell) else "nothing"
