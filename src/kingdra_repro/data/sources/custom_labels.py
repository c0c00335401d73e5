"""The labels of a user's own data in a file of their own."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kingdra_repro.data.formats.arrays import read_npy
from kingdra_repro.data.formats.tables import is_table, listed, read_table
from kingdra_repro.errors import InputError

ANSWER = "answer"  # the column of ask.csv that a person fills in


def read_labels(setting: str, labels: str | os.PathLike) -> Any:
    """Return the labels of a file of their own; ``setting`` is what named it."""
    path = Path(labels).expanduser()
    if not path.is_file():
        raise InputError(f"dataset.{setting}={labels} does not exist ({path.absolute()}): correct the path")
    if path.suffix.lower() == ".npy":
        return read_npy(path)
    if is_table(path):
        table = read_table(path)
        if len(table.columns) != 1:
            raise InputError(f"{path} has the columns {listed(table.columns)}: keep the one with the labels")
        return table.iloc[:, 0]
    raise InputError(f"dataset.{setting}={labels} is neither a .npy file nor a table: save the labels as one")


def read_given(given: str | os.PathLike, row_names: Sequence[str] | None, n: int) -> Any:
    """Return labels to learn from, one a row, empty where not known: as `read_labels`, or of ask.csv.

    Parameters
    ----------
    given : path
        The columns ``row`` (from 0) and ``answer`` make it one that a run has written, with some or all
        answers filled in.
    row_names : names of the rows of the data, or None
    n : number of rows

    Raises
    ------
    InputError
        Where an answer is for a row that the data do not have, or have under another name.
    """
    path = Path(given).expanduser()
    table = read_table(path) if path.is_file() and is_table(path) else None
    if table is None or not {"row", ANSWER} <= set(table.columns):
        return read_labels("given", given)
    rows = table["row"]
    if not pd.api.types.is_integer_dtype(rows) or not rows.between(0, n - 1).all() or rows.duplicated().any():
        raise InputError(f"{path} has rows other than 0 to {n - 1}, or twice: leave that column")
    if row_names is not None and "id" in table.columns:
        names = np.asarray(row_names, object)[rows]
        if len(wrong := np.flatnonzero(names != table["id"].astype(str))):
            row = int(rows[wrong[0]])
            raise InputError(
                f"{path} is of other data: row {row} is {table['id'][wrong[0]]} there, and "
                f"{names[wrong[0]]} here: give the file of a run with these data"
            )
    answers = table[ANSWER].set_axis(rows)
    return answers[answers.notna()].reindex(range(n))
