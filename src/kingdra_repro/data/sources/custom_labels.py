"""The labels of a user's own data in a file of their own."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from kingdra_repro.data.formats.arrays import read_npy
from kingdra_repro.data.formats.labels import Labels
from kingdra_repro.data.formats.tables import is_table, listed, read_as_written
from kingdra_repro.errors import InputError

ANSWER = "answer"  # the column of ask.csv that a person fills in


def read_labels(setting: str, labels: str | os.PathLike) -> Labels:
    """Return the labels of a file of their own; ``setting`` is what named it."""
    path = Path(labels).expanduser()
    if not path.is_file():
        raise InputError(f"dataset.{setting}={labels} does not exist ({path.absolute()}): correct the path")
    if path.suffix.lower() == ".npy":
        return Labels(read_npy(path))
    if is_table(path):
        table, written = read_as_written(path, None)
        if len(table.columns) != 1:
            raise InputError(f"{path} has the columns {listed(table.columns)}: keep the one with the labels")
        return Labels(table.iloc[:, 0], written.get(table.columns[0]))
    raise InputError(f"dataset.{setting}={labels} is neither a .npy file nor a table: save the labels as one")


def read_given(given: str | os.PathLike, row_names: Sequence[str] | None, n: int) -> Labels:
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
    table = None
    if path.is_file() and is_table(path):
        table, written = read_as_written(path, ("id", ANSWER))
    if table is None or not {"row", ANSWER} <= set(table.columns):
        return read_labels("given", given)
    rows = table["row"]
    if not pd.api.types.is_integer_dtype(rows) or not rows.between(0, n - 1).all() or rows.duplicated().any():
        raise InputError(f"{path} has rows other than 0 to {n - 1}, or twice: leave that column")
    if row_names is not None and "id" in table.columns:
        there = written.get("id", table["id"].astype(str)).fillna("")
        names = [row_names[row].strip() for row in rows]
        if len(wrong := np.flatnonzero(there != names)):
            first = wrong[0]
            raise InputError(
                f"{path} is of other data: row {rows[first]} is {there.iloc[first]} there, and "
                f"{names[first]} here: give the file of a run with these data"
            )
    answers = table.assign(**written).set_axis(rows)[ANSWER]
    return Labels(*(column.set_axis(rows).reindex(range(n)) for column in (table[ANSWER], answers)))
