"""Labels of a user's data from a separate file, or from the answers in ask.csv."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from kingdra_repro.data.features.column_kinds import words_of
from kingdra_repro.data.formats.arrays import read_npy
from kingdra_repro.data.formats.labels import Labels
from kingdra_repro.data.formats.tables import is_table, read_as_written
from kingdra_repro.data.formats.text_format import TextFormat
from kingdra_repro.data.sources.custom_cells import check_cells, clear_names
from kingdra_repro.errors import InputError, format_names

ANSWER = "answer"  # the column of ask.csv that a person fills in
ASK_COLUMNS = ["row", ANSWER, "cluster", "disagreement"]  # its columns; those of the user's table follow


def read_labels(setting: str, labels: str, rows: np.ndarray, n_rows: int) -> Labels:
    """Return the labels in a separate file, one for each row that is kept.

    Parameters
    ----------
    setting : str
        The setting that names the file, for messages.
    labels : path
        A .npy file, or a table with one column, with or without a header line.
    rows : int64 array [m]
        The rows of the user's file that are kept.
    n_rows : int
        Number of rows of the user's file. There is one label for each of them, or for each kept row.

    Raises
    ------
    InputError
        If it is no such file, or has another number of labels.
    """
    path = Path(labels).expanduser()
    if not path.is_file():
        raise InputError(f"dataset.{setting}={labels} does not exist ({path.absolute()}): correct the path")
    if path.suffix.lower() == ".npy":
        found, above = Labels(read_npy(path)), ""
    elif is_table(path):
        found, above = _only_column(path, (n_rows, len(rows)))
    else:
        raise InputError(
            f"dataset.{setting}={labels} is neither a .npy file nor a table: save the labels as one"
        )
    if len(found) not in (n_rows, len(rows)):
        raise InputError(
            f"dataset.{setting}={labels} has {len(found)} labels{above}, the data have {n_rows} rows: give "
            "each row one"
        )
    return found if len(found) == len(rows) else found.take(rows)


def _only_column(path: Path, lengths: tuple[int, int]) -> tuple[Labels, str]:
    """Return the labels of a table with one column, and what a message says about its first line.

    The first line is a label if there is one label too few without it and its text occurs again below. A text
    that occurs only once is taken for the column's name, above labels of which one is missing.
    """
    table, written = read_as_written(path, None, TextFormat(header="first"))
    if len(table.columns) != 1:
        raise InputError(
            f"{path} has the columns {format_names(table.columns)}: keep the one with the labels"
        )
    name = table.columns[0]
    if written.empty:  # no text: the file says what the column's name is
        return Labels(table[name]), ""
    if len(table) + 1 in lengths and name in written[name].tolist():
        table, written = read_as_written(path, None, TextFormat(header="none"))
        return Labels(table.iloc[:, 0], written.iloc[:, 0]), ""
    return Labels(table[name], written[name]), f" below its first line ({name!r}, read as the column's name)"


def read_given(
    given: str,
    row_names: Sequence[str] | None,
    rows: np.ndarray,
    n_rows: int,
    cells: pd.DataFrame | None = None,
) -> Labels:
    """Return labels to learn from, one per row, empty if unknown, as by `read_labels` or from ask.csv.

    Parameters
    ----------
    given : path
        A file with the columns ``row`` (from 0) and ``answer`` is taken for a run's ask.csv, with some or all
        answers filled in.
    row_names : names of the rows of the data, or None
    rows, n_rows : see `read_labels`
    cells : DataFrame or None
        The rows of the user's table that are kept. In rows with an answer, ask.csv must have the same cells.

    Raises
    ------
    InputError
        If an answer is for a row that the data do not have, or have under another name or with other cells;
        for any other file, as `read_labels`.
    """
    path = Path(given).expanduser()
    if not path.is_file() or not is_table(path):
        return read_labels("given", given, rows, n_rows)
    table, written = read_as_written(path, None, TextFormat(header="first"))
    if not {"row", ANSWER} <= set(table.columns):
        return read_labels("given", given, rows, n_rows)
    filled = (table if written.empty else written).notna().any(axis=1).to_numpy()
    table, written = (one[filled].reset_index(drop=True) for one in (table, written))
    asked, n = _row_numbers(table["row"], path, len(rows)), len(rows)
    # If rows have names, a run writes them in a column before the answers. If rows were left out, row numbers
    # in the user's file serve as names.
    order = list(table.columns)
    named = "id" in order and order.index("id") < order.index(ANSWER)
    answer_names = written.get("id", words_of(table["id"])).fillna("") if named else asked.astype(str)
    data_names = [str(row) for row in rows] if row_names is None or not named else row_names
    names = [data_names[row].strip() for row in asked]
    if len(wrong := np.flatnonzero(answer_names != names)):
        first = wrong[0]
        raise InputError(
            f"{path} is of other data: row {asked[first]} is {answer_names.iloc[first]} there, and "
            f"{names[first]} here: give the file of a run with these data, and dataset.id and "
            "dataset.missing as it had them"
        )
    answers = written.get(ANSWER, table[ANSWER])
    if cells is not None:
        ask_columns = [*ASK_COLUMNS, "id"] if named else ASK_COLUMNS
        repeated = [
            one[answers.notna()].drop(columns=ask_columns, errors="ignore") for one in (table, written)
        ]
        cells = cells.rename(columns=clear_names(cells.columns, ask_columns))
        check_cells(path, repeated, cells, asked[answers.notna()].to_numpy())
    values, as_written = (one.set_axis(asked).reindex(range(n)) for one in (table[ANSWER], answers))
    return Labels(values, as_written)


def _row_numbers(column: pd.Series, path: Path, n: int) -> pd.Series:
    """Return row numbers as int64, as written by a run or a spreadsheet: 849.0 is 849."""
    numbers = pd.to_numeric(column, errors="coerce")
    if (wrong := np.flatnonzero(numbers.isna() | (numbers % 1 != 0))).size:
        cell = column.iloc[wrong[0]]
        found = "no row" if pd.isna(cell) else f"row={cell}"
        raise InputError(
            f"{path} has {found} in row {wrong[0]} (counted from 0): leave that column as the run wrote it"
        )
    if len(wrong := numbers[~numbers.between(0, n - 1)].to_numpy()):
        raise InputError(
            f"{path} has row {wrong[0]:.0f}, and the data have rows 0 to {n - 1}: give the table of that "
            "run, and dataset.missing as it had it"
        )
    if len(twice := numbers[numbers.duplicated()].to_numpy()):
        raise InputError(f"{path} has row {twice[0]:.0f} twice: keep one of the two")
    return numbers.astype(np.int64)
