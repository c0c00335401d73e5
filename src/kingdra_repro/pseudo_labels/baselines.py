"""Pseudo-labels without a graph, which the paper compares with in Table 1: argmax, threshold, K-means."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from sklearn.cluster import KMeans
from torch import Tensor

from kingdra_repro.checks import check_parameters, fraction, integer, seed
from kingdra_repro.pseudo_labels.labeller import MiniClusters, min_fraction
from kingdra_repro.pseudo_labels.matching import align, average


@dataclass(frozen=True)
class KMeansPseudoLabels:
    """Every point is labelled with its cluster in a K-means of the last hidden layer, as in DeepCluster.

    Of an ensemble it is the first model's: "the model's features" (Table 1) are one model's, and those of
    all, side by side, would be an n x 12,000 matrix for ten models of the paper's width.

    Parameters
    ----------
    n_init : int, restarts
    random_state : int, of the centres that K-means starts from
    min_fraction : float in [0, 1], smallest cluster that is trained on, as a share of n / k
    """

    n_init: int = 10
    random_state: int = 0
    min_fraction: float = 0.05

    def __post_init__(self) -> None:
        check_parameters(self, {"n_init": integer(1), "min_fraction": min_fraction})
        seed("pseudo_labels.random_state", self.random_state)  # not the method's, which is called so, too

    def __call__(self, proba: Tensor, features: Callable[[], Tensor]) -> MiniClusters:
        """Label the points of outputs [n_models, n, k]; see `PseudoLabeller`."""
        k = proba.shape[-1]
        kmeans = KMeans(k, n_init=self.n_init, random_state=self.random_state)
        labels = torch.from_numpy(kmeans.fit_predict(features().numpy())).long()
        return MiniClusters.of(labels, k, self.min_fraction)


@dataclass(frozen=True)
class ArgmaxPseudoLabels:
    """Every point is labelled with the largest of the ensemble's outputs, aligned and averaged.

    The paper's Table 1: the model learns what it says already, and its accuracy stays where it is.

    Parameters
    ----------
    min_fraction : float in [0, 1], smallest cluster that is trained on, as a share of n / k
    """

    min_fraction: float = 0.05

    def __post_init__(self) -> None:
        check_parameters(self, {"min_fraction": min_fraction})

    def __call__(self, proba: Tensor, features: Callable[[], Tensor] | None = None) -> MiniClusters:
        """Label the points of outputs [n_models, n, k]; see `PseudoLabeller`."""
        k = proba.shape[-1]
        labels = average(proba, align(proba.argmax(-1), k)).argmax(1)
        return MiniClusters.of(labels, k, self.min_fraction)


@dataclass(frozen=True)
class ThresholdPseudoLabels:
    """Points whose largest output, aligned and averaged over the ensemble, exceeds a threshold.

    The paper does not give the threshold. The default, .95, is that of FixMatch (Sohn et al., 2020), which
    makes pseudo-labels in the same way. Of up to twenty models none can then be sure of another output: even
    if the others' outputs were 1, the average would be at most .95.

    Parameters
    ----------
    threshold : float in [0, 1)
    min_fraction : float in [0, 1], smallest cluster that is trained on, as a share of n / k
    """

    threshold: float = 0.95
    min_fraction: float = 0.05

    def __post_init__(self) -> None:
        check_parameters(self, {"threshold": fraction, "min_fraction": min_fraction})

    def __call__(self, proba: Tensor, features: Callable[[], Tensor] | None = None) -> MiniClusters:
        """Label the points of outputs [n_models, n, k]; see `PseudoLabeller`."""
        k = proba.shape[-1]
        largest, labels = average(proba, align(proba.argmax(-1), k)).max(1)
        return MiniClusters.of(torch.where(largest > self.threshold, labels, -1), k, self.min_fraction)
