"""Figures 1 to 5 of the second document (labels_figures): loss, NMI and purity against epochs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kingdra_repro.report.figures.style import BLACK, CYCLE, GREY, new_figure
from kingdra_repro.report.tables.paper import display_name, paper_mean_std

EXPERIMENT = "labels_figures"
WRITTEN, UNTRAINED = "As written", "Without pre-training"
LAMBDAS = {
    "lambda annealed": WRITTEN,
    "lambda 1": "Lambda 1 throughout",
    "lambda 0.1": "Lambda 0.1 throughout",
}
COLUMNS, ROW = 2, 2.4  # inches
DASHES = ("-", (0, (5, 2)), (0, (2, 2)), "-", (0, (5, 2)))  # coinciding curves stay visible


@dataclass(frozen=True)
class Curve:
    """One line of a panel.

    Attributes
    ----------
    name : label in the legend, and the key of the document's first and last value
    row : the experiment's row whose run is drawn
    values : function that computes the values from the run's second-phase epochs
    """

    name: str
    row: str
    values: Callable[[pd.DataFrame], pd.Series]


def _column(name: str) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda epochs: epochs[name]


def _balanced(kind: str) -> Callable[[pd.DataFrame], pd.Series]:
    """Eq. 3's loss of one kind: the labelled term plus lambda times the unlabelled term."""
    return lambda epochs: epochs[f"{kind}_labelled"] + epochs["lambda"] * epochs[f"{kind}_unlabelled"]


def _both(part: str) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda epochs: epochs[f"pairwise_{part}"] + epochs[f"clustering_{part}"]


TOTAL, LABELLED = _column("loss"), _both("labelled")
PANELS: Sequence[tuple[str, str, Sequence[Curve]]] = (
    (
        "Figure 1",
        "total loss",
        (Curve("with pre-training", WRITTEN, TOTAL), Curve("without", UNTRAINED, TOTAL)),
    ),
    (
        "Figure 2",
        "loss",
        (
            Curve("total", WRITTEN, TOTAL),
            Curve("labelled", WRITTEN, LABELLED),
            Curve("unlabelled", WRITTEN, _both("unlabelled")),
        ),
    ),
    (
        "Figure 3",
        "loss",
        (
            Curve("total", WRITTEN, TOTAL),
            Curve("labelled", WRITTEN, LABELLED),
            Curve("pairwise", WRITTEN, _balanced("pairwise")),
            Curve("clustering", WRITTEN, _balanced("clustering")),
            Curve("reconstruction", WRITTEN, _column("reconstruction")),
        ),
    ),
    (
        "Figure 4",
        "NMI of labelled points",
        [Curve(name, row, _column("nmi_given")) for name, row in LAMBDAS.items()],
    ),
    (
        "Figure 4",
        "purity of labelled points",
        [Curve(name, row, _column("purity_given")) for name, row in LAMBDAS.items()],
    ),
    (
        "Figure 5",
        "NMI, purity",
        (
            Curve("NMI, labelled", WRITTEN, _column("nmi_given")),
            Curve("purity, labelled", WRITTEN, _column("purity_given")),
            Curve("NMI, unlabelled", WRITTEN, _column("nmi")),
            Curve("purity, unlabelled", WRITTEN, _column("purity")),
        ),
    ),
)


def labels_figures(histories: Mapping[str, pd.DataFrame], cells: pd.DataFrame) -> Figure | None:
    """Draw each of `PANELS` for the first data set in the plan that has all runs of that panel.

    Crosses mark the document's values, which are for MNIST. A panel whose runs are missing says so; a run
    whose history lacks epochs counts as missing.
    """
    if cells.empty:
        return None
    runs = cells[cells["experiment"] == EXPERIMENT]
    of_run = {
        (run.dataset, run.row): _second_phase(histories[str(run.folder)])
        for run in runs.itertuples()
        if run.folder in histories and _is_whole(histories[str(run.folder)])
    }
    figure = new_figure(ROW * len(PANELS) / COLUMNS)
    panels = figure.subplots(len(PANELS) // COLUMNS, COLUMNS).flat
    datasets = list(dict.fromkeys(runs["dataset"]))
    for panel, (title, what, curves) in zip(panels, PANELS, strict=True):
        found = [name for name in datasets if all((name, curve.row) in of_run for curve in curves)]
        if found:
            panel.set_title(f"{title}, {display_name(found[0])}")
            _draw(panel, {curve: of_run[found[0], curve.row] for curve in curves})
        else:
            panel.set_title(title)
            wanted = "\n".join(dict.fromkeys(curve.row for curve in curves))
            text = f"no run of all epochs yet:\n{wanted}"
            panel.text(0.5, 0.5, text, ha="center", va="center", color=GREY, transform=panel.transAxes)
            panel.set(xticks=[], yticks=[])
        panel.set_ylabel(what)
        panel.set_xlabel("epoch")
    return figure


def _is_whole(history: pd.DataFrame) -> bool:
    """Whether no epoch is missing: runs that were killed and resumed by version e0b8776 lost some."""
    return bool(history["iteration"].diff().iloc[1:].eq(1).all())


def _second_phase(history: pd.DataFrame) -> pd.DataFrame:
    """Select the epochs that use the full loss, numbered from 1."""
    epochs = history[history["lambda"].notna()]
    return epochs.set_index(pd.RangeIndex(1, len(epochs) + 1))


def _draw(panel: Axes, curves: Mapping[Curve, pd.DataFrame]) -> None:
    for color, dashes, (curve, epochs) in zip(CYCLE, DASHES, curves.items(), strict=False):
        values = curve.values(epochs)
        panel.plot(values.index, values, color=color, linestyle=dashes, label=curve.name)
        ends = np.array(paper_mean_std(EXPERIMENT, curve.name, "mnist"), float)  # first, last; NaN: not given
        panel.plot([1, values.index[-1]], ends, "x", color=color, markeredgecolor=color)
    panel.plot([], [], "x", color=BLACK, label="the document")
    panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.24), ncols=2, frameon=False, labelspacing=0.2)
