"""Figure 2 of the paper: accuracies and the number of pseudo-labels against iterations."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from kingdra_repro.report.figures.plotting import BLUE, GREY, ORANGE


def iterations_figure(history: pd.DataFrame, title: str) -> Figure:
    """Left: accuracy of clustering, pseudo-labels and single models; right: number of pseudo-labels.

    Without classes, the left panel shows the agreement of the ensemble instead; of a method without one, and
    of one that comes to an answer at its end alone, the loss. The pseudo-labels of an iteration are those
    found after its training; the next iteration trains on them.

    Parameters
    ----------
    history : DataFrame, as in history.csv
    title : str

    Returns
    -------
    Figure
    """
    has_pseudo_labels = _known(history, "n_pseudo_labels") and history["n_pseudo_labels"].max() > 0
    figure = Figure(figsize=(9 if has_pseudo_labels else 5, 3.6), layout="constrained")
    panels = figure.subplots(1, 2 if has_pseudo_labels else 1, squeeze=False)[0]
    figure.suptitle(title, parse_math=False)  # a file's name may have dollar signs

    left = panels[0]
    if _known(history, "acc") and (history["acc"].notna().sum() > 1 or len(history) == 1):
        _accuracies(left, history)
    elif _known(history, "agreement"):
        _line(left, history, "agreement", BLUE, "o")
        left.set_ylabel("agreement of the models")
    elif _known(history, "loss"):
        _line(left, history, "loss", BLUE, "")
        left.set_ylabel("loss")
    if has_pseudo_labels:
        _line(panels[1], history, "n_pseudo_labels", ORANGE, "s")
        panels[1].set_ylabel("pseudo-labelled points")
        panels[1].set_ylim(bottom=0)
        panels[1].yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    for panel in panels:
        panel.set_xlabel("iteration (0: without pseudo-labels)" if has_pseudo_labels else "iteration")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    return figure


def _accuracies(panel: Axes, history: pd.DataFrame) -> None:
    if _known(history, "model_acc_mean"):
        low, high = history["model_acc_min"], history["model_acc_max"]
        panel.fill_between(history["iteration"], low, high, color=GREY, alpha=0.2, linewidth=0)
        _line(panel, history, "model_acc_mean", GREY, "^", "single models (mean, range)")
    if _known(history, "pseudo_label_acc"):
        _line(panel, history, "pseudo_label_acc", ORANGE, "s", "pseudo-labels")
    _line(panel, history, "acc", BLUE, "o", "clustering")
    panel.set_ylabel("accuracy")
    panel.legend(frameon=False)


def _line(panel: Axes, history: pd.DataFrame, column: str, color: str, marker: str, label: str = "") -> None:
    panel.plot(history["iteration"], history[column], color=color, marker=marker, markersize=4, label=label)


def _known(history: pd.DataFrame, column: str) -> bool:
    return column in history and bool(history[column].notna().any())
