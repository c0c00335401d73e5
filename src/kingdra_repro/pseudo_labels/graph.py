"""Pseudo-labels from the graph of agreement, with lower thresholds if those given find no complete set."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from math import ceil

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from kingdra_repro.checks import check_parameters, choice, fraction, integer, optional
from kingdra_repro.pseudo_labels.labeller import MiniClusters, min_fraction
from kingdra_repro.pseudo_labels.mini_clusters import PRUNE, mini_clusters


@dataclass(frozen=True)
class GraphPseudoLabels:
    """Pseudo-labels from mini-clusters of points on which the models agree (paper Section 4.2, Algorithm 1).

    Algorithm 1 may find fewer than k mini-clusters, or mini-clusters of a few points only: if a model leaves
    an output unused, no k points can differ in all models, and with a hundred classes every model merges some
    (Section 7). Training on such a set would make the models more alike. (The public code then continues
    without labels, in the worst case for ever.) Therefore a set of mini-clusters is complete only if each of
    the k has at least ``min_fraction * n / k`` points. If the given thresholds do not lead to a complete set,
    lower ones are tried (with M models):

    1. Try all pairs with t_pos >= 4/5 M and t_neg > M/2, neither above the given one (a given one below these
       bounds is kept). Take the pair whose smallest mini-cluster is largest; of equal ones, the strictest.
    2. If its set is not complete, lower t_neg further, one by one, while t_pos + t_neg > M (a neighbour of
       the chosen point then always leaves the graph). Stop at the first t_neg with a complete set. This
       separates classes that most models merge, by the models that do not. The lower t_neg is, the likelier
       it is that one class fills two mini-clusters, so it is lowered no further than necessary. Among the
       pairs with this t_neg, the smallest mini-cluster decides as in step 1.

    If no pair leads to a complete set, the incomplete set of the given thresholds is returned. The data's
    classes are never read. With ``relax=False`` only the given thresholds are tried, as in a sweep over them.

    Parameters
    ----------
    t_pos, t_neg : number of models that must agree for a strong positive edge, and disagree for a strong
        negative one; None: all models
    confidence : float in [0, 1): only points for which the largest output of every model exceeds it can be
        the centre of a mini-cluster (``thresh`` in the public code); 0: any point
    prune : "chosen" (Algorithm 1) or "members" (the public code), see `mini_clusters`
    min_fraction : float in [0, 1], minimum size of a mini-cluster, as a fraction of n / k
    relax : whether lower thresholds are tried if those given do not lead to a complete set
    """

    t_pos: int | None = None
    t_neg: int | None = None
    confidence: float = 0.0
    prune: str = "chosen"
    min_fraction: float = 0.05
    relax: bool = True

    def __post_init__(self) -> None:
        check_parameters(
            self,
            {
                "t_pos": optional(integer(1)),
                "t_neg": optional(integer(1)),
                "confidence": fraction,
                "prune": choice(*PRUNE),
                "min_fraction": min_fraction,
                "relax": choice(True, False),
            },
        )

    def __call__(
        self, proba: Tensor | ArrayLike, features: Callable[[], Tensor] | None = None
    ) -> MiniClusters:
        """Find mini-clusters in the outputs [n_models, n, k] of an ensemble of any kind of models."""
        proba = torch.as_tensor(proba)
        confidence, predictions = proba.max(-1)
        return self.of_predictions(predictions, confidence, proba.shape[-1])

    def of_predictions(self, predictions: Tensor, confidence: Tensor, k: int) -> MiniClusters:
        """Find mini-clusters from the largest outputs alone.

        Parameters
        ----------
        predictions : integer Tensor [n_models, n], the index of each model's largest output, 0..k-1
        confidence : float32 Tensor [n_models, n], the value of this output
        k : int
        """
        n_models = len(predictions)
        given = self.t_pos or n_models, self.t_neg or n_models
        confident = (confidence > self.confidence).all(0) if self.confidence > 0 else None

        def found(t_pos: int, t_neg: int) -> MiniClusters:
            labels = mini_clusters(predictions, k, t_pos, t_neg, confident, self.prune)
            info = {"t_pos": t_pos, "t_neg": t_neg}
            relaxed = (t_pos, t_neg) != given
            return MiniClusters.of(labels, k, self.min_fraction, relaxed=relaxed, info=info)

        first = found(*given)
        if first.complete or not self.relax:
            return first
        t_pos = range(given[0], min(given[0], ceil(0.8 * n_models)) - 1, -1)
        majority = min(given[1], n_models // 2 + 1)
        pairs = product(t_pos, range(given[1], majority - 1, -1))
        strictest_first = sorted(pairs, key=lambda pair: (sum(pair), pair[0]), reverse=True)
        best = _best(found(*pair) for pair in strictest_first if pair != given)
        for t_neg in range(majority - 1, 0, -1):
            if best is not None and best.complete:
                break
            best = _best(found(one, t_neg) for one in t_pos if one + t_neg > n_models)
        return best if best is not None and best.complete else first


def _best(sets: Iterable[MiniClusters]) -> MiniClusters | None:
    """Return the set whose smallest mini-cluster is largest, the first of equal ones; None for no sets."""
    return max(sets, key=lambda one: int(one.sizes.min()), default=None)
