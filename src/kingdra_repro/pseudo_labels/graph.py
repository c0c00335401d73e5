"""Pseudo-labels from the graph of agreement, and what is done where the thresholds do not give k of them."""

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
    """Mini-clusters of points on which the models agree (paper Section 4.2, Algorithm 1).

    Algorithm 1 may find fewer than k mini-clusters, or one of a handful of points: if a model leaves an
    output unused no k points can differ in all models, and of a hundred classes every model merges some
    (Section 7). To train on such a set would pull the models together (the public code then trains on
    without labels, in the worst case for ever). So a set counts as complete if each of its k mini-clusters
    has at least ``min_fraction * n / k`` points, and where the thresholds given do not lead to one, they are
    relaxed, none above those given:

    1. Of all pairs with a t_pos of at least four fifths and a t_neg of more than half of the models, that
       one is taken whose smallest mini-cluster is largest (of equals, the strictest).
    2. If that is not complete, t_neg is lowered further, one by one, as far as t_pos + t_neg exceeds the
       number of models (a neighbour of the chosen point then always leaves the graph). The first t_neg with a
       complete set is taken: classes that most models merge are told apart by those that do not. The lower
       it is, the likelier one class fills two mini-clusters, so it is no lower than need be; of its pairs the
       smallest mini-cluster decides as above.

    Where that gives none either, there is none. No label is looked at. With ``relax=False`` there is none
    where the thresholds given find none, as in a sweep over them.

    Parameters
    ----------
    t_pos, t_neg : numbers of models that must agree, or disagree, for a strong edge; None: all models
    confidence : float in [0, 1): only points for which the largest output of every model exceeds it can be
        the centre of a mini-cluster (``thresh`` in the public code); 0: any point
    prune : "chosen" (Algorithm 1) or "members" (the public code)
    min_fraction : float in [0, 1], smallest mini-cluster, as a share of n / k
    relax : whether lower thresholds are tried where those given find no complete set
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
        """Find mini-clusters in the outputs [n_models, n, k] of an ensemble, of any kind of models."""
        proba = torch.as_tensor(proba)
        confidence, predictions = proba.max(-1)
        return self.of_predictions(predictions, confidence, proba.shape[-1])

    def of_predictions(self, predictions: Tensor, confidence: Tensor, k: int) -> MiniClusters:
        """Find them in the largest outputs alone.

        Parameters
        ----------
        predictions : integer Tensor [n_models, n], each model's largest output of k
        confidence : float32 Tensor [n_models, n], its value
        k : int
        """
        n_models = len(predictions)
        given = self.t_pos or n_models, self.t_neg or n_models
        confident = (confidence > self.confidence).all(0) if self.confidence > 0 else None

        def found(t_pos: int, t_neg: int) -> MiniClusters:
            labels = mini_clusters(predictions, k, t_pos, t_neg, confident, self.prune)
            facts = {"t_pos": t_pos, "t_neg": t_neg}
            relaxed = (t_pos, t_neg) != given
            return MiniClusters.of(labels, k, self.min_fraction, relaxed=relaxed, facts=facts)

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
    """Return the set whose smallest mini-cluster is largest, the first of equals; None of none."""
    return max(sets, key=lambda one: int(one.sizes.min()), default=None)
