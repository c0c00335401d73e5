"""The second document's figures, drawn from histories of two phases."""

import numpy as np
import pandas as pd

from kingdra_repro.report.figures.few_labels import PANELS, labels_figures
from tests.report.tables.made_up import Planned, done

TERMS = [f"{kind}_{part}" for kind in ("pairwise", "clustering") for part in ("labelled", "unlabelled")]
SCORES = ["nmi", "purity", "nmi_given", "purity_given"]
ROWS = list(dict.fromkeys(curve.row for _, _, curves in PANELS for curve in curves))
HISTORY = pd.DataFrame(
    {
        "iteration": [1, 2, 3, 4],
        "loss": [9, 8, 3.0, 2.5],  # the first two epochs train only the autoencoder
        "lambda": [np.nan, np.nan, 0, 0.5],
        "reconstruction": [np.nan, np.nan, 0.2, 0.1],
        **{name: [np.nan, np.nan, 0.5, 1.0] for name in (*TERMS, *SCORES)},
    }
)


def drawn(*runs: tuple[str, str]):
    planned = [Planned(row, dataset=dataset, experiment="labels_figures") for row, dataset in runs]
    cells = done(*((run, {}) for run in planned))
    return labels_figures(dict.fromkeys(cells["folder"], HISTORY), cells)


def test_the_terms_over_the_epochs_of_the_second_phase() -> None:
    figure = drawn(*((row, "digits") for row in ROWS))
    assert [panel.get_title() for panel in figure.axes] == [f"{title}, digits" for title, _, _ in PANELS]
    lines = {line.get_label(): line.get_xydata() for line in figure.axes[2].get_lines()}
    np.testing.assert_allclose(lines["total"], [[1, 3], [2, 2.5]])
    np.testing.assert_allclose(
        lines["pairwise"], [[1, 0.5], [2, 1.5]]
    )  # labelled term plus lambda times the unlabelled term
    np.testing.assert_allclose(lines["reconstruction"], [[1, 0.2], [2, 0.1]])
    crosses = [line for line in figure.axes[2].get_lines() if line.get_marker() == "x"]
    np.testing.assert_allclose(crosses[0].get_xydata(), [[1, 1.16], [2, 0.2]])


def test_a_panel_is_of_the_first_data_set_that_has_its_runs_and_else_says_what_is_missing() -> None:
    figure = drawn(("As written", "usps"), ("Without pre-training", "digits"), ("As written", "digits"))
    titles = [panel.get_title() for panel in figure.axes]
    assert titles[:3] == ["Figure 1, digits", "Figure 2, USPS", "Figure 3, USPS"]
    assert titles[3] == "Figure 4"
    (text,) = figure.axes[3].texts
    assert text.get_text().startswith("no run of all epochs yet:\nAs written\nLambda 1 throughout")


def test_a_history_that_lacks_epochs_is_not_drawn() -> None:
    cells = done((Planned("As written", dataset="usps", experiment="labels_figures"), {}))
    figure = labels_figures({cells["folder"].iloc[0]: HISTORY.drop(index=2)}, cells)
    assert figure.axes[1].get_title() == "Figure 2"
    assert figure.axes[1].texts


def test_without_runs_of_it_each_panel_says_so() -> None:
    figure = labels_figures({}, done((Planned("DEC"), {})))
    assert all(panel.texts[0].get_text().startswith("no run") for panel in figure.axes)
