"""Accuracy curves: Figure 5 (against DeepCluster's iterations) and C.1 (against the number of models)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kingdra_repro.report.figures.histories import mean_history, run_label, shown_runs
from kingdra_repro.report.figures.style import BLACK, BLUE, CYCLE, MARKERS, band, new_figure
from kingdra_repro.report.tables.paper import display_name, paper_mean_std, paper_rows

COLUMNS = 2
ROW = 1.4  # inches


def figure5(histories: Mapping[str, pd.DataFrame], cells: pd.DataFrame) -> Figure | None:
    """Draw one panel per data set: the curves swing too much to be told apart in a shared panel.

    The line is the mean over seeds, the band their range. Iteration 1 is the clustering of the untrained
    network.
    """
    found = [
        (name, len(runs), history["acc"])
        for name, runs in shown_runs(cells, "figure5")
        if not (history := mean_history(histories, runs)).empty
    ]
    if not found:
        return None
    columns = min(COLUMNS, len(found))
    rows = -(-len(found) // columns)
    figure = new_figure(0.2 + ROW * rows)
    panels = list(figure.subplots(rows, columns, squeeze=False, sharey=True).flat)
    for panel, (name, n_runs, share) in zip(panels, found, strict=False):
        values = 100 * share
        band(panel, values.index, values["min"], values["max"], BLUE)
        panel.plot(values.index, values["mean"], color=BLUE, linewidth=0.9)
        panel.set_title(f"{name}, {n_runs} run{'s' if n_runs > 1 else ''}")
        panel.set_ylim(0, 100)
        panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    for empty in panels[len(found) :]:
        empty.remove()
    figure.supxlabel("iteration", fontsize=8)
    figure.supylabel("accuracy (%)", fontsize=8)
    return figure


def ensemble_size(cells: pd.DataFrame) -> Figure | None:
    """Draw the paper's C.1: one line per data set, order and schedule, and the paper's own points.

    The ``row`` of a cell is its number of models. Error bars: standard deviation over seeds, if several.
    """
    mine = cells[cells["experiment"] == "ensemble_size"]
    if mine.empty:
        return None
    # A shorter schedule does not change every data set: do not draw the same runs twice.
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
            label=run_label(runs.iloc[0]),
            color=CYCLE[index % len(CYCLE)],
            marker=MARKERS[index % len(MARKERS)],
            capsize=3,
            elinewidth=0.8,
        )
    sizes = [int(size) for size in paper_rows("ensemble_size")]
    for dataset in mine["dataset"].unique():
        means = np.array([paper_mean_std("ensemble_size", str(size), dataset)[0] for size in sizes], float)
        if not np.isnan(means).all():
            label = f"the paper, {display_name(dataset)}"
            panel.plot(sizes, means, ":", color=BLACK, marker="o", markerfacecolor="white", label=label)
    panel.set_xticks(sizes)
    panel.set_xlabel("models")
    panel.set_ylabel("accuracy (%)")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure
