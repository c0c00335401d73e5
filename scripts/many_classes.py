"""Many classes, the open problem of the paper's Section 7: fixed against relaxed thresholds.

    python scripts/many_classes.py [k ...]             default: 20, 50 and 100 classes

The data are Gaussian blobs in 50 dimensions; the ensemble is ten small Ladder-IM models. Kingdra runs once
with the paper's thresholds (all models) and once with the rule of `GraphPseudoLabels`, which relaxes them.
Mini-clusters found, their purity and the thresholds are those after the first, unsupervised phase, which is
the same for both; accuracies are before and after four iterations.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import make_blobs
from torch import Tensor

from kingdra_repro import Kingdra
from kingdra_repro.bases import LadderIM
from kingdra_repro.evaluation import clustering_accuracy, purity
from kingdra_repro.methods import Iteration, Progress
from kingdra_repro.pseudo_labels import GraphPseudoLabels, MiniClusters, PseudoLabeller, mini_clusters

BASE = LadderIM(hidden=(128,), denoising_costs=(100.0, 10.0, 0.1))


@dataclass(frozen=True)
class FixedThresholds:
    """Algorithm 1 with the paper's thresholds, never relaxed."""

    def __call__(self, proba: Tensor, features: Callable[[], Tensor]) -> MiniClusters:
        k = proba.shape[-1]
        return MiniClusters.of(mini_clusters(proba.argmax(-1), k), k, GraphPseudoLabels().min_fraction)


class Watch:
    """A monitor that keeps the result of each phase."""

    def __init__(self) -> None:
        self.phases: list[Iteration] = []

    def progress(self, event: Progress) -> None: ...

    def iteration(self, it: Iteration) -> None:
        self.phases.append(it)


def run(X: np.ndarray, k: int, pseudo_labels: PseudoLabeller) -> list[Iteration]:
    watch = Watch()
    Kingdra(
        k,
        base=BASE,
        n_iter=4,
        first_epochs=25,
        epochs=5,
        batch_size=max(64, 2 * k),
        pseudo_labels=pseudo_labels,
        random_state=0,
        device="cpu",
        monitor=watch,
    ).fit(X)
    return watch.phases


def main(ks: list[int]) -> None:
    torch.set_num_threads(1)
    print(
        "| k | ACC before | fixed: found | fixed: ACC | rule: found | points | purity | t_pos, t_neg | ACC |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for k in ks:
        X, y = make_blobs(
            500 + 25 * k, n_features=50, centers=k, center_box=(-1, 1), cluster_std=0.4, random_state=0
        )
        X = ((X - X.min(0)) / (X.max(0) - X.min(0))).astype(np.float32)
        fixed, rule = run(X, k, FixedThresholds()), run(X, k, GraphPseudoLabels())
        row, labels = rule[0].row, rule[0].pseudo_labels
        given = labels >= 0
        first, fixed_last, last = (
            f"{clustering_accuracy(y, one.labels):.3f}" for one in (fixed[0], fixed[-1], rule[-1])
        )
        print(
            f"| {k} | {first} | {fixed[0].row['n_mini_clusters']} | {fixed_last} | {row['n_mini_clusters']} "
            f"| {given.sum()} of {len(X)} | {purity(y[given], labels[given]):.2f} "
            f"| {row['t_pos']}, {row['t_neg']} | {last} |",
            flush=True,
        )


if __name__ == "__main__":
    main([int(k) for k in sys.argv[1:]] or [20, 50, 100])
