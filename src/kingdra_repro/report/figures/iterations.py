"""Figure 2 of the paper: accuracies and the number of pseudo-labels against iterations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from kingdra_repro.report.figures.histories import mean_history, shown_runs, single_run_history
from kingdra_repro.report.figures.style import BLUE, GREEN, GREY, ORANGE, band, new_figure

COLUMNS = 3
ROW = 1.75  # inches
ACCURACIES = (
    ("pseudo_label_acc", "pseudo-labels", ORANGE, "s"),
    ("acc", "clustering", BLUE, "o"),
    ("model_acc_mean", "single models", GREY, "^"),
)


@dataclass(frozen=True)
class Iterations:
    """A column of the figure: its title, a history as from `mean_history`, and the number of points."""

    title: str
    history: pd.DataFrame
    n: int

    @property
    def has_pseudo_labels(self) -> bool:
        """Whether the method found any pseudo-labels."""
        known = self.known("n_pseudo_labels")
        return known and bool(self.history["n_pseudo_labels"]["max"].max() > 0)

    def known(self, name: str) -> bool:
        """Whether the column exists and has a value."""
        return name in self.history and bool(self.history[name]["mean"].notna().any())


def figure2(histories: Mapping[str, pd.DataFrame], cells: pd.DataFrame) -> Figure | None:
    """Draw one column per data set and order; lines are means over seeds, bands their range.

    The paper gives no numbers for its figure.
    """
    found = []
    for name, runs in shown_runs(cells, "figure2"):
        history = mean_history(histories, runs)
        if not history.empty:
            title = f"{name}, {len(runs)} run{'s' if len(runs) > 1 else ''}".replace(", ", "\n", 3)
            found.append(Iterations(title, history, int(runs["n"].iloc[0])))
    return _figure(found) if found else None


def iterations_figure(history: pd.DataFrame, title: str, n: int) -> Figure:
    """Draw the history.csv of one run on n points; the band is the range of its single models."""
    return _figure([Iterations(title, single_run_history(history), n)])


def _figure(found: Sequence[Iterations]) -> Figure:
    """Draw one column per entry: accuracies above, the number of pseudo-labels (if there are any) below.

    Row 0 of a history is the phase without pseudo-labels. An iteration's pseudo-labels are found after its
    training and used by the next iteration. The dashed line is the number of points.
    """
    rows = 2 if any(one.has_pseudo_labels for one in found) else 1
    bands = -(-len(found) // COLUMNS)
    columns = min(COLUMNS, len(found))
    figure = new_figure(0.3 + (rows * ROW + 0.2) * bands)
    panels = figure.subplots(rows * bands, columns, squeeze=False)
    for index in range(bands * columns):
        row, column = divmod(index, columns)
        above, *below = panels[rows * row : rows * (row + 1), column]
        if index >= len(found):
            for panel in (above, *below):
                panel.remove()
            continue
        one = found[index]
        _quality(above, one)
        for panel in below:
            _pseudo_labels(panel, one)
        above.set_title(one.title, parse_math=False)  # a file's name may contain dollar signs
        (below or [above])[-1].set_xlabel("iteration")
        if column:
            for panel in (above, *below):
                panel.set_ylabel("")
    handles, names = panels[0, 0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False)
    return figure


def _quality(panel: Axes, one: Iterations) -> None:
    """Draw the accuracies; without known classes, the agreement of the models.

    Draw the loss for a method without an ensemble, or one that has an answer only at its end.
    """
    history = one.history
    if one.known("acc") and (history["acc"]["mean"].notna().sum() > 1 or len(history) == 1):
        for name, label, color, marker in ACCURACIES:
            if one.known(name):
                _line(panel, history, name, color, marker, label, unit=100)
        panel.set_ylabel("accuracy (%)")
    elif one.known("agreement"):
        _line(panel, history, "agreement", BLUE, "o")
        panel.set_ylabel("agreement of the models")
    elif one.known("loss"):
        _line(panel, history, "loss", BLUE, "")
        panel.set_ylabel("loss")
    panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _pseudo_labels(panel: Axes, one: Iterations) -> None:
    if one.known("n_pseudo_labels"):
        _line(panel, one.history, "n_pseudo_labels", GREEN, "D")
    panel.axhline(one.n, color=GREY, linestyle="--", linewidth=1)
    panel.set_ylim(0, 1.08 * one.n)
    panel.set_ylabel("pseudo-labels")
    panel.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    panel.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _line(
    panel: Axes, history: pd.DataFrame, name: str, color: str, marker: str, label: str = "", unit: int = 1
) -> None:
    values = unit * history[name]
    band(panel, values.index, values["min"], values["max"], color)
    panel.plot(values.index, values["mean"], color=color, marker=marker, label=label)
