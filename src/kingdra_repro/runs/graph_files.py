"""Small files written for a finished ensemble, so that tables and figures can be made without the data."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.evaluation import clustering_accuracy, purity
from kingdra_repro.files import write_table, write_text
from kingdra_repro.pseudo_labels import mini_clusters
from kingdra_repro.pseudo_labels.degrees import Degrees
from kingdra_repro.pseudo_labels.signatures import Signatures
from kingdra_repro.runs.reading import reporting_damage
from kingdra_repro.sampling import fixed_sample

POINTS = 150  # more cannot be told apart in the picture of a graph
PHASES = 4
# Thresholds in tenths of the models, rounded up.
T_POS = (10, 9, 8)
T_NEG = (10, 9, 8, 7, 6)
# The paper's largest set has 70,000 points. Fifteen graphs of many more points would take minutes.
MOST_POINTS_OF_A_SWEEP = 100_000


@dataclass(frozen=True)
class GraphSample:
    """The data for drawing the similarity graph of a sample of points (the paper's Figure 3).

    Attributes
    ----------
    points : [s], row indices in the data
    classes : [s], or None if they are unknown; only figures read them
    votes : [n_phases, n_models, s], each model's cluster after the unsupervised phase, the first iteration...
    """

    points: list[int]
    classes: list[int] | None
    votes: list[list[list[int]]]

    @classmethod
    def of(cls, sample: np.ndarray, sampled: np.ndarray, y: np.ndarray | None) -> "GraphSample":
        """Choose the points to draw, the same ones for every data set of this size.

        `sample` [m] are row indices in the data, and `sampled` [n_phases, n_models, m] the votes on these
        rows, as in votes.npz.
        """
        chosen = fixed_sample(len(sample), POINTS)
        points = sample[chosen]
        return cls(
            points=points.tolist(),
            classes=None if y is None else y[points].tolist(),
            votes=sampled[:PHASES, :, chosen].tolist(),
        )

    def write(self, path: Path) -> None:
        write_text(path, json.dumps(asdict(self), separators=(",", ":")) + "\n")

    @classmethod
    def read(cls, path: Path) -> "GraphSample":
        with reporting_damage(path):
            return cls(**json.loads(path.read_text(encoding="utf-8")))


def threshold_sweep(votes: np.ndarray, n_clusters: int, y: np.ndarray | None) -> pd.DataFrame:
    """Find mini-clusters for each t_pos from all models down to 80%, and each t_neg down to 60%.

    This is Algorithm 1 to the letter: any point can be the centre, whatever the models' confidence, and
    points without a strong negative edge to the chosen point leave the graph. `votes` [n_models, n] has each
    model's cluster of each point.

    Returns
    -------
    DataFrame, one row per pair of thresholds, the strictest first
        ``t_pos``, ``t_neg``, ``n_models``, ``n_mini_clusters``, ``n_pseudo_labels``, ``smallest``; ``purity``
        and ``pseudo_label_acc`` of the pseudo-labelled points (empty without classes); ``connected_pairs``
        and ``connected_points``, see `connected_shares`; ``seconds`` spent on the graph.
    """
    predictions = torch.from_numpy(votes.astype(np.int64))
    n_models = len(votes)
    rows = []
    for t_pos in _counts(T_POS, n_models):
        for t_neg in _counts(T_NEG, n_models):
            started = time.perf_counter()
            labels = mini_clusters(predictions, n_clusters, t_pos, t_neg)
            seconds = time.perf_counter() - started
            sizes = torch.bincount(labels[labels >= 0], minlength=n_clusters)
            pairs, points = connected_shares(predictions, labels, t_pos)
            rows.append(
                {
                    "t_pos": t_pos,
                    "t_neg": t_neg,
                    "n_models": n_models,
                    "n_mini_clusters": int((sizes > 0).sum()),
                    "n_pseudo_labels": int(sizes.sum()),
                    "smallest": int(sizes.min()),
                    **_against_classes(labels.numpy(), y),
                    "connected_pairs": pairs,
                    "connected_points": points,
                    "seconds": round(seconds, 4),
                }
            )
    return pd.DataFrame(rows)


def connected_shares(predictions: Tensor, labels: Tensor, t_pos: int) -> tuple[float | None, float | None]:
    """Measure how close mini-clusters are to cliques; if t_pos is all models, they are, by transitivity.

    Section 4.2.1 of the paper gives a share of nodes that "are fully connected with each other". The sentence
    can be read in two ways, so both shares are returned: the share of pairs within a mini-cluster that have a
    strong positive edge, and the share of points that have such an edge to every other point of their
    mini-cluster. Both are None if no mini-cluster has two points.

    `predictions` are int64 [n_models, n]; `labels`, int64 [n], are the mini-clusters, -1 for none.
    """
    pairs = pairs_joined = points = points_joined = 0
    for cluster in labels[labels >= 0].unique():
        graph = Signatures.of(predictions[:, labels == cluster], sources=None)
        columns, weights = graph.columns, graph.n_points
        size = int(weights.sum())
        if size < 2:
            continue
        joined = Degrees(columns, t_pos, weights).values - 1  # without the point itself
        pairs += size * (size - 1)
        pairs_joined += int((weights * joined).sum())
        points += size
        points_joined += int(weights[joined == size - 1].sum())
    return (pairs_joined / pairs, points_joined / points) if pairs else (None, None)


def _counts(tenths: tuple[int, ...], n_models: int) -> list[int]:
    """Return the distinct numbers of models that these shares amount to, the largest first."""
    return sorted({-(-share * n_models // 10) for share in tenths}, reverse=True)


def _against_classes(labels: np.ndarray, y: np.ndarray | None) -> dict[str, float | None]:
    if y is None:
        return {"purity": None, "pseudo_label_acc": None}
    given = labels >= 0
    return {
        "purity": purity(y[given], labels[given]),
        "pseudo_label_acc": clustering_accuracy(y[given], labels[given]),
    }


def write_ensemble_files(folder: Path, data: Dataset) -> None:
    """Write thresholds.csv and graph_sample.json into a run's folder, unless it has no votes.npz.

    thresholds.csv uses the votes after the unsupervised phase, and is not written for very large data sets;
    graph_sample.json has the votes after each of the first phases.
    """
    votes_file = folder / "votes.npz"
    if not votes_file.exists():
        return
    with np.load(votes_file, allow_pickle=False) as votes:
        if votes["first"].shape[1] <= MOST_POINTS_OF_A_SWEEP:
            sweep = threshold_sweep(votes["first"], data.n_clusters, data.y)
            write_table(folder / "thresholds.csv", sweep)
        sample = GraphSample.of(votes["sample"], votes["sampled"], data.y)
    sample.write(folder / "graph_sample.json")
