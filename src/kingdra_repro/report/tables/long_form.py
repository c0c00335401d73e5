"""The one form of all tables: a line a cell, with the runs behind it."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

COLUMNS = [
    *("row", "column", "order", "schedule", "mean", "std", "n"),
    *("paper_mean", "paper_std", "difference", "note", "runs"),
]


def cell(
    row: str,
    column: str,
    order: str,
    schedule: str,
    values: Iterable[float],
    paper: tuple[float | None, float | None],
    note: str,
    runs: Sequence[str],
) -> dict[str, Any]:
    """One cell; values that are not known (NaN) do not count.

    Parameters
    ----------
    row, column : str
    order, schedule : str
        "-" where there is nothing to choose, or no run.
    values : one for each run, in the table's unit
    paper : mean and standard deviation, or None
    note : str, why it is empty or what is special about it
    runs : folders below results/

    Returns
    -------
    dict with `COLUMNS` as keys; ``std`` divides by n - 1 and is None of a single run
    """
    known = np.array([value for value in values if not pd.isna(value)], dtype=np.float64)
    mean = float(known.mean()) if len(known) else None
    return {
        "row": row,
        "column": column,
        "order": order,
        "schedule": schedule,
        "mean": mean,
        "std": float(known.std(ddof=1)) if len(known) > 1 else None,
        "n": len(known),
        "paper_mean": paper[0],
        "paper_std": paper[1],
        "difference": None if mean is None or paper[0] is None else mean - paper[0],
        "note": note,
        "runs": ";".join(runs),
    }


def table(cells: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """The cells as a DataFrame, numbers as float64 with NaN for what is not there."""
    frame = pd.DataFrame(list(cells), columns=COLUMNS)
    numbers = ["mean", "std", "paper_mean", "paper_std", "difference"]
    return frame.astype(dict.fromkeys(numbers, np.float64) | {"n": np.int64})
