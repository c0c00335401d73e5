"""The runs behind a figure and their histories."""

from collections.abc import Mapping, Sequence

import pandas as pd

from kingdra_repro.report.tables.captions import ORDERS
from kingdra_repro.report.tables.cells import shown_schedule
from kingdra_repro.report.tables.paper import display_name


def shown_runs(cells: pd.DataFrame, experiment: str) -> list[tuple[str, pd.DataFrame]]:
    """Group an experiment's runs by row, data set and order.

    Returns pairs of a label (see `run_label`) and the group's runs, in the plan's order. Each group has only
    the runs of one schedule, the published one if there are any.
    """
    found = []
    mine = cells[cells["experiment"] == experiment]
    for (row, _, _), runs in mine.groupby(["row", "dataset", "order"], sort=False):
        runs = runs[runs["schedule"] == shown_schedule(runs["schedule"])]
        label = run_label(runs.iloc[0])
        found.append((f"{row}, {label}" if mine["row"].nunique() > 1 else label, runs))
    return found


def run_label(run: pd.Series) -> str:
    """Return the label of a run's line or panel, such as ``MNIST, file order, short schedule``."""
    schedule = "" if run["schedule"] == "published" else f"{run['schedule']} schedule"
    order = ORDERS.get(run["order"], "")
    return ", ".join(part for part in (display_name(run["dataset"]), order, schedule) if part)


def mean_history(histories: Mapping[str, pd.DataFrame], runs: pd.DataFrame) -> pd.DataFrame:
    """Compute mean, minimum and maximum over runs at each iteration that all of them have.

    Index ``iteration``; columns (name, "mean" | "min" | "max"). Empty if no run has a history.
    """
    found = [histories[folder] for folder in runs["folder"] if folder in histories]
    return _over_runs(found) if found else pd.DataFrame()


def single_run_history(history: pd.DataFrame) -> pd.DataFrame:
    """As `mean_history`, for one run; min and max of ``model_acc_mean`` are over its single models."""
    found = _over_runs([history])
    for end in ("min", "max"):
        if f"model_acc_{end}" in found:
            found["model_acc_mean", end] = found[f"model_acc_{end}", end]
    return found


def _over_runs(histories: Sequence[pd.DataFrame]) -> pd.DataFrame:
    numbers = [one.set_index("iteration").select_dtypes("number") for one in histories]
    together = pd.concat(numbers).groupby(level=0)
    complete = together.size() == len(histories)
    return together.agg(["mean", "min", "max"])[complete]
