"""Figure 2: accuracies and the number of pseudo-labels against iterations."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from kingdra_repro.report.figures.histories import mean_history, shown_runs
from kingdra_repro.report.figures.style import BLUE, GREEN, GREY, ORANGE, band, new_figure

COLUMNS = 3
ROW = 1.75  # inches
ACCURACIES = (
    ("pseudo_label_acc", "pseudo-labels", ORANGE, "s"),
    ("acc", "clustering", BLUE, "o"),
    ("model_acc_mean", "single models", GREY, "^"),
)


def figure2(results: Path, cells: pd.DataFrame) -> Figure | None:
    """A column a data set and order: accuracies above, number of pseudo-labels below; the band: all seeds.

    Row 0 of a history is the phase without pseudo-labels; pseudo-labels are those found after an iteration's
    training. The dashed line is the number of points. The paper gives no numbers for its figure.

    Parameters
    ----------
    results : Path
    cells : DataFrame, see `kingdra_repro.report.figures.draw`

    Returns
    -------
    Figure, or None where there are no runs yet
    """
    found = [
        (name, int(runs["n"].iloc[0]), len(runs), history)
        for name, runs in shown_runs(cells, "figure2")
        if not (history := mean_history(results, runs)).empty
    ]
    if not found:
        return None
    bands = -(-len(found) // COLUMNS)
    columns = min(COLUMNS, len(found))
    figure = new_figure(0.3 + (2 * ROW + 0.2) * bands)
    panels = figure.subplots(2 * bands, columns, squeeze=False)
    for index, (name, n, n_runs, history) in enumerate(found):
        row, column = divmod(index, columns)
        above, below = panels[2 * row, column], panels[2 * row + 1, column]
        _accuracies(above, history)
        _pseudo_labels(below, history, n)
        runs = f"{n_runs} run{'s' if n_runs > 1 else ''}"
        above.set_title(f"{name}, {runs}".replace(", ", "\n", 3))
        below.set_xlabel("iteration")
        if column == 0:
            above.set_ylabel("accuracy (%)")
            below.set_ylabel("pseudo-labels")
    for empty in range(len(found), bands * columns):
        row, column = divmod(empty, columns)
        panels[2 * row, column].remove()
        panels[2 * row + 1, column].remove()
    figure.legend(
        *panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False
    )
    return figure


def _accuracies(panel: Axes, history: pd.DataFrame) -> None:
    for column, label, color, marker in ACCURACIES:
        if column in history:
            values = 100 * history[column]
            band(panel, values.index, values["min"], values["max"], color)
            panel.plot(values.index, values["mean"], color=color, marker=marker, label=label)
    panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _pseudo_labels(panel: Axes, history: pd.DataFrame, n: int) -> None:
    values = history["n_pseudo_labels"]
    band(panel, values.index, values["min"], values["max"], GREEN)
    panel.plot(values.index, values["mean"], color=GREEN, marker="D")
    panel.axhline(n, color=GREY, linestyle="--", linewidth=1)
    panel.set_ylim(0, 1.08 * n)
    panel.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    panel.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
