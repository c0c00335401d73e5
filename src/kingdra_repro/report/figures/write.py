"""Write all figures: the paper's, from the runs in results/, and those in the folder of each run."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.report.figures.curves import ensemble_size, figure5
from kingdra_repro.report.figures.few_labels import labels_figures
from kingdra_repro.report.figures.graph import figure3
from kingdra_repro.report.figures.iterations import figure2, iterations_figure
from kingdra_repro.report.figures.members import figure4, members_figure
from kingdra_repro.report.figures.style import STYLE, save
from kingdra_repro.reproduce.store import read_histories
from kingdra_repro.runs.members import MOST_CLUSTERS, Members
from kingdra_repro.runs.thumbnails import has_pictures


def draw_paper_figures(results: Path, cells: pd.DataFrame) -> None:
    """Draw results/figures/<figure>.png and .svg; the files of figures without runs are left unchanged.

    `cells` are the finished planned runs, with the fields of `PlannedRun` and the columns of runs.csv.
    Histories (by run folder) and the files in shown/ are read from results/.
    """
    histories = read_histories(results)
    with matplotlib.rc_context(STYLE):
        figures = {
            "figure2": figure2(histories, cells),
            "figure3": figure3(results, cells),
            "figure4": figure4(results, cells),
            "figure5": figure5(histories, cells),
            "ensemble_size": ensemble_size(cells),
            "labels_figures": labels_figures(histories, cells),
        }
    folder = results / "figures"
    for name, figure in figures.items():
        if figure is not None:
            folder.mkdir(parents=True, exist_ok=True)
            save(figure, folder / f"{name}.png")
            save(figure, folder / f"{name}.svg")


def draw_run_figures(folder: Path, data: Dataset, labels: np.ndarray) -> None:
    """Draw iterations.png (as the paper's Figure 2) and, for pictures, members.png and .npz (Figure 4).

    The folder holds the finished run's history.csv if its method has phases. `labels` are the final clusters.
    """
    history = folder / "history.csv"
    with matplotlib.rc_context(STYLE):
        if history.exists():
            figure = iterations_figure(pd.read_csv(history), data.name, len(labels))
            save(figure, folder / "iterations.png")
        if has_pictures(data) and labels.min() < MOST_CLUSTERS:
            members = Members.of(data, labels)
            members.write(folder / "members.npz")
            save(members_figure([(data.name, members)]), folder / "members.png")
