"""Figure 5: DeepCluster's accuracy against iterations."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kingdra_repro.report.figures.histories import mean_history, shown_runs
from kingdra_repro.report.figures.style import BLUE, band, new_figure

COLUMNS = 2
ROW = 1.4  # inches


def figure5(results: Path, cells: pd.DataFrame) -> Figure | None:
    """A panel a data set: it swings too much for lines over each other to be told apart.

    The band: all seeds. Iteration 1 is the clustering of the untrained network.

    Parameters
    ----------
    results : Path
    cells : DataFrame, see `kingdra_repro.report.figures.draw`

    Returns
    -------
    Figure, or None where there are no runs yet
    """
    found = [
        (name, len(runs), history["acc"])
        for name, runs in shown_runs(cells, "figure5")
        if not (history := mean_history(results, runs)).empty
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
