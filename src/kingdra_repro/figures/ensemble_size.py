"""The paper's C.1: accuracy against the number of models, over its own points."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from kingdra_repro.figures.histories import name_of, shown_runs
from kingdra_repro.figures.style import BLACK, CYCLE, MARKERS, new_figure
from kingdra_repro.tables.paper import display_name, published, rows_of


def ensemble_size(cells: pd.DataFrame) -> Figure | None:
    """A line a data set and order, with the standard deviation over seeds where there are several.

    Parameters
    ----------
    cells : DataFrame, see `kingdra_repro.figures.draw`; rows are numbers of models

    Returns
    -------
    Figure, or None where there are no runs yet
    """
    found = shown_runs(cells, "ensemble_size")
    if not found:
        return None
    figure = new_figure(2.8)
    panel = figure.subplots()
    for index, (dataset, order, runs) in enumerate(found):
        by_size = (100 * runs["acc"]).groupby(runs["row"].astype(int)).agg(["mean", "std"])
        look: dict[str, Any] = {
            "color": CYCLE[index % len(CYCLE)],
            "marker": MARKERS[index % len(MARKERS)],
            "capsize": 3,
            "elinewidth": 0.8,
        }
        label = name_of(dataset, order, runs)
        panel.errorbar(by_size.index, by_size["mean"], yerr=by_size["std"].fillna(0), label=label, **look)
    for dataset in dict.fromkeys(dataset for dataset, _, _ in found):
        points = [
            (int(size), published("ensemble_size", size, dataset)[0]) for size in rows_of("ensemble_size")
        ]
        points = [(size, mean) for size, mean in points if mean is not None]
        if points:
            dotted: dict[str, Any] = {
                "color": BLACK,
                "linestyle": ":",
                "marker": "o",
                "markerfacecolor": "white",
            }
            panel.plot(*zip(*points, strict=True), label=f"the paper, {display_name(dataset)}", **dotted)
    panel.set_xticks([int(size) for size in rows_of("ensemble_size")])
    panel.set_xlabel("models")
    panel.set_ylabel("accuracy (%)")
    panel.legend(frameon=False)
    return figure
