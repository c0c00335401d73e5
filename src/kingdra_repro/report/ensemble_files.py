"""The small files of a finished ensemble that tables and figures are made from without the data."""

from pathlib import Path

import numpy as np

from kingdra_repro.atomic import write_text
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.report.graph_sample import GraphSample
from kingdra_repro.report.threshold_sweep import threshold_sweep

# The paper's largest set has 70,000. Fifteen graphs of many more would take minutes that nobody asked for.
MOST_POINTS_OF_A_SWEEP = 100_000


def write_ensemble_files(folder: Path, data: Dataset) -> None:
    """thresholds.csv of the votes after the unsupervised phase (of sets that are not too large), and
    graph_sample.json.

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
        if votes["first"].shape[1] <= MOST_POINTS_OF_A_SWEEP:
            sweep = threshold_sweep(votes["first"], data.n_clusters, data.y)
            write_text(folder / "thresholds.csv", sweep.to_csv(index=False, lineterminator="\n"))
        sample = GraphSample.of(votes["sample"], votes["sampled"], data.y)
    sample.write(folder / "graph_sample.json")
