"""The small files of a finished ensemble that tables and figures are made from without the data."""

from pathlib import Path

import numpy as np

from kingdra_repro.atomic import write_text
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.report.graph_sample import GraphSample
from kingdra_repro.report.threshold_sweep import threshold_sweep


def write_ensemble_files(folder: Path, data: Dataset) -> None:
    """thresholds.csv of the votes after the unsupervised phase, and graph_sample.json.

    Parameters
    ----------
    folder : Path
        A run's folder; nothing is written where it holds no votes.npz.
    data : Dataset, the one that was clustered
    """
    votes_file = folder / "votes.npz"
    if not votes_file.exists():
        return
    with np.load(votes_file, allow_pickle=False) as votes:
        sweep = threshold_sweep(votes["first"], data.n_clusters, data.y)
        sample = GraphSample.of(votes["sample"], votes["sampled"], data.y)
    write_text(folder / "thresholds.csv", sweep.to_csv(index=False, lineterminator="\n"))
    sample.write(folder / "graph_sample.json")
