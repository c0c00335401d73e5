"""Whether a file of answers is of the user's table: the cells that it repeats are those of the same rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from kingdra_repro.data.formats.text_format import MISSING
from kingdra_repro.errors import InputError

TOLERANCE = 1e-5  # relative: a spreadsheet may keep as few as six digits of a number
LONGEST = 60  # characters of a cell in a message


def check_cells(
    path: Path, there: Sequence[pd.DataFrame], here: pd.DataFrame, rows: np.ndarray, before: str = ""
) -> None:
    """Compare cells of a file of answers with those of the table, by row and column.

    Parameters
    ----------
    path : Path
        The file of answers.
    there : sequence of DataFrame [m, columns]
        What it has: as it was read and, of a file of text, as it is written. 12,5 is 12.5 in one of them,
        and a word in the other. Columns that are not the table's are not looked at.
    here : DataFrame [n, columns]
        The table's rows that the data have.
    rows : int64 array [m]
        Which of them the answers are for.
    before : str
        What stands before a column's name there.

    Raises
    ------
    InputError
        For the first row, from above, of which a cell differs. 12 and 12.0 are the same, and 007 and 7.
    """
    names = [name for name in here.columns if before + name in there[0]]
    differ = np.zeros((len(rows), len(names)), bool)
    for column, name in enumerate(names):
        read = [one[before + name] for one in there if before + name in one]
        differ[:, column] = np.all([_differ(cells, here[name].iloc[rows]) for cells in read], axis=0)
    if not differ.any():
        return
    at, column = np.argwhere(differ)[0]
    name = names[column]
    cell, own = _shown(there[0][before + name].iloc[at]), _shown(here[name].iloc[rows[at]])
    raise InputError(
        f"{path} is of other data: row {rows[at]} (counted from 0) has {before + name}={cell} there, and "
        f"{own} here: give the table of that run, its rows in the same order; or, where only the way cells "
        "are written has changed, remove that column from the answers"
    )


def _differ(there: pd.Series, here: pd.Series) -> np.ndarray:
    """Tell which cells are another value, not only written in another way: bool array [m]."""
    if types.is_datetime64_any_dtype(here):
        days = [
            pd.to_datetime(column, errors="coerce", format="mixed", utc=True).to_numpy()
            for column in (there, here)
        ]
        return (days[0] != days[1]) & ~(pd.isna(days[0]) & pd.isna(days[1]))
    words = [column.map(_word).to_numpy(object) for column in (there, here)]
    a, b = (pd.to_numeric(pd.Series(one), errors="coerce").to_numpy(np.float64) for one in words)
    return (words[0] != words[1]) & ~np.isclose(a, b, rtol=TOLERANCE, atol=0)


def _word(cell: Any) -> str:
    """Return a cell as text; TRUE is True, and marks of missing cells are blank."""
    word = "" if types.is_scalar(cell) and pd.isna(cell) else str(cell).strip()
    return "" if word in MISSING else word.casefold()


def _shown(cell: Any) -> str:
    text = str(cell)
    return repr(text if len(text) <= LONGEST else text[:LONGEST] + "...") if _word(cell) else "nothing"
