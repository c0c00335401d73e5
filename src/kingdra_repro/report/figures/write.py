"""All figures as files: results/figures/<figure>.png and .svg."""

from pathlib import Path

import matplotlib
import pandas as pd

from kingdra_repro.report.figures.ensemble_size import ensemble_size
from kingdra_repro.report.figures.figure2 import figure2
from kingdra_repro.report.figures.figure3 import figure3
from kingdra_repro.report.figures.figure4 import figure4
from kingdra_repro.report.figures.figure5 import figure5
from kingdra_repro.report.figures.style import STYLE, save


def draw(results: Path, cells: pd.DataFrame) -> None:
    """Draw what there are runs for; figures without runs stay as they are.

    Parameters
    ----------
    results : Path
        The folder results/: pictures go to figures/ in it, and what they are drawn from beyond `cells` is
        read in the folders of runs (history.csv, graph_sample.json, members.npz).
    cells : DataFrame
        The planned runs that are done: the fields of `PlannedRun` and the columns of runs.csv.
    """
    with matplotlib.rc_context(STYLE):
        figures = {
            "figure2": figure2(results, cells),
            "figure3": figure3(results, cells),
            "figure4": figure4(results, cells),
            "figure5": figure5(results, cells),
            "ensemble_size": ensemble_size(cells),
        }
    for name, figure in figures.items():
        if figure is not None:
            save(figure, results / "figures", name)
