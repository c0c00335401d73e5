"""The paper's C.1: accuracy against the number of models, over its own points."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from kingdra_repro.report.figures.histories import name_of
from kingdra_repro.report.figures.style import BLACK, CYCLE, MARKERS, new_figure
from kingdra_repro.report.tables.paper import display_name, published, rows_of


def ensemble_size(cells: pd.DataFrame) -> Figure | None:
    """A line a data set, order and schedule; bars: standard deviation over seeds, where there are several.

    Parameters
    ----------
    cells : DataFrame, see `kingdra_repro.report.figures.draw`; rows are numbers of models

    Returns
    -------
    Figure, or None where there are no runs yet
    """
    mine = cells[cells["experiment"] == "ensemble_size"]
    if mine.empty:
        return None
    # A shorter schedule leaves some data sets as they are: the same runs are not drawn twice.
    mine = mine.sort_values("schedule", key=lambda names: names != "published", kind="stable")
    mine = mine.drop_duplicates(["row", "dataset", "order", "folder"])
    figure = new_figure(3.4)
    panel = figure.subplots()
    lines = mine.groupby(["dataset", "order", "schedule"], sort=False)
    for index, (_, runs) in enumerate(lines):
        by_size = (100 * runs["acc"].astype(float)).groupby(runs["row"].astype(int)).agg(["mean", "std"])
        panel.errorbar(
            by_size.index,
            by_size["mean"],
            yerr=by_size["std"],
            label=name_of(runs.iloc[0]),
            color=CYCLE[index % len(CYCLE)],
            marker=MARKERS[index % len(MARKERS)],
            capsize=3,
            elinewidth=0.8,
        )
    sizes = [int(size) for size in rows_of("ensemble_size")]
    for dataset in mine["dataset"].unique():
        means = np.array([published("ensemble_size", str(size), dataset)[0] for size in sizes], float)
        if not np.isnan(means).all():
            label = f"the paper, {display_name(dataset)}"
            panel.plot(sizes, means, ":", color=BLACK, marker="o", markerfacecolor="white", label=label)
    panel.set_xticks(sizes)
    panel.set_xlabel("models")
    panel.set_ylabel("accuracy (%)")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure
