"""The pictures in a run's folder."""

from pathlib import Path

import numpy as np
import pandas as pd

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.report.figures.iterations import iterations_figure
from kingdra_repro.report.figures.members import members_figure
from kingdra_repro.report.figures.plotting import save
from kingdra_repro.runs.members import MOST_CLUSTERS, Members, has_pictures


def draw_figures(folder: Path, data: Dataset, labels: np.ndarray) -> None:
    """iterations.png (the paper's Figure 2), and members.png and .npz of pictures (Figure 4).

    Parameters
    ----------
    folder : Path
        Holds history.csv of the finished run, if its method has phases.
    data : Dataset
    labels : int array [n], the final clusters
    """
    history = folder / "history.csv"
    if history.exists():
        save(iterations_figure(pd.read_csv(history), data.name), folder / "iterations.png")
    if has_pictures(data) and labels.min() < MOST_CLUSTERS:
        members = Members.of(data, labels)
        members.write(folder / "members.npz")
        save(members_figure(members), folder / "members.png")
