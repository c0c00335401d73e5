"""Figure 5: DeepCluster's accuracy against iterations."""

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kingdra_repro.figures.histories import mean_history, shown_runs
from kingdra_repro.figures.style import CYCLE, MARKERS, band, new_figure


def figure5(results: Path, cells: pd.DataFrame) -> Figure | None:
    """A line a data set; the band: all seeds. Iteration 1 is the clustering of the untrained network.

    Parameters
    ----------
    results : Path
    cells : DataFrame, see `kingdra_repro.figures.draw`

    Returns
    -------
    Figure, or None where there are no runs yet
    """
    figure = new_figure(2.8)
    panel = figure.subplots()
    for index, (name, runs) in enumerate(shown_runs(cells, "figure5")):
        history = mean_history(results, runs)
        if history.empty:
            continue
        color, values = CYCLE[index % len(CYCLE)], 100 * history["acc"]
        band(panel, values.index, values["min"], values["max"], color)
        marks: dict[str, Any] = {
            "marker": MARKERS[index % len(MARKERS)],
            "markevery": max(1, len(values) // 12),
        }
        label = f"{name} ({len(runs)})"
        panel.plot(values.index, values["mean"], color=color, label=label, **marks)
    if not panel.lines:
        return None
    panel.set_xlabel("iteration")
    panel.set_ylabel("accuracy (%)")
    panel.set_ylim(0, 100)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside right upper", frameon=False, title="DeepCluster (runs)")
    return figure
