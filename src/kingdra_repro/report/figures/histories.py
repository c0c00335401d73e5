"""history.csv of the runs behind a figure, put together over seeds."""

from pathlib import Path

import pandas as pd

from kingdra_repro.report.tables.captions import ORDERS
from kingdra_repro.report.tables.paper import display_name
from kingdra_repro.report.tables.planned_cells import shown_schedule


def shown_runs(cells: pd.DataFrame, experiment: str) -> list[tuple[str, pd.DataFrame]]:
    """The runs of an experiment by row, data set and order, of the published schedule where there are any.

    Parameters
    ----------
    cells : DataFrame, the planned runs that are done

    Returns
    -------
    list of (name, DataFrame of runs), in the plan's order; see `name_of`
    """
    found = []
    mine = cells[cells["experiment"] == experiment]
    for (row, _, _), runs in mine.groupby(["row", "dataset", "order"], sort=False):
        runs = runs[runs["schedule"] == shown_schedule(runs["schedule"])]
        name = name_of(runs.iloc[0])
        found.append((f"{row}, {name}" if mine["row"].nunique() > 1 else name, runs))
    return found


def name_of(run: pd.Series) -> str:
    """``MNIST, file order, short schedule``: what a line or panel is of, by one of its runs."""
    schedule = "" if run["schedule"] == "published" else f"{run['schedule']} schedule"
    order = ORDERS.get(run["order"], "")
    return ", ".join(part for part in (display_name(run["dataset"]), order, schedule) if part)


def mean_history(results: Path, runs: pd.DataFrame) -> pd.DataFrame:
    """Mean, smallest and largest value over runs, at each iteration that all of them have.

    Parameters
    ----------
    results : Path, below which their folders lie
    runs : DataFrame with "folder"

    Returns
    -------
    DataFrame
        Index ``iteration``; columns (name, "mean" | "min" | "max"). Empty where no run has a history.
    """
    paths = [results / folder / "history.csv" for folder in runs["folder"]]
    histories = [pd.read_csv(path).set_index("iteration") for path in paths if path.exists()]
    if not histories:
        return pd.DataFrame()
    together = pd.concat([one.select_dtypes("number") for one in histories]).groupby(level=0)
    complete = together.size() == len(histories)
    return together.agg(["mean", "min", "max"])[complete]
