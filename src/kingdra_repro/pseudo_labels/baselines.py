"""Pseudo-labels without a graph, the alternatives in the paper's Table 1: argmax, threshold, K-means."""

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
    """Pseudo-labels from K-means on the last hidden layer, as in DeepCluster; every point gets one.

    The hidden layer is that of the first model of the ensemble. "The model's features" (Table 1) are those of
    one model, and the concatenated features of ten models of the paper's width would be an n x 12,000 matrix.

    Parameters
    ----------
    n_init : int, number of restarts of K-means
    random_state : int, seed of the initial centres of K-means
    min_fraction : float in [0, 1], minimum size of a cluster to train on, as a fraction of n / k
    """

    n_init: int = 10
    random_state: int = 0
    min_fraction: float = 0.05

    def __post_init__(self) -> None:
        check_parameters(self, {"n_init": integer(1), "min_fraction": min_fraction})
        seed("pseudo_labels.random_state", self.random_state)  # the method has a random_state, too

    def __call__(self, proba: Tensor, features: Callable[[], Tensor]) -> MiniClusters:
        """Label the points of outputs [n_models, n, k]; see `PseudoLabeller`."""
        k = proba.shape[-1]
        kmeans = KMeans(k, n_init=self.n_init, random_state=self.random_state)
        labels = torch.from_numpy(kmeans.fit_predict(features().numpy())).long()
        return MiniClusters.of(labels, k, self.min_fraction)


@dataclass(frozen=True)
class ArgmaxPseudoLabels:
    """Pseudo-labels from the argmax of the ensemble's aligned and averaged outputs; every point gets one.

    As the paper's Table 1 shows, the model learns what it predicts already, and its accuracy does not change.

    Parameters
    ----------
    min_fraction : float in [0, 1], minimum size of a cluster to train on, as a fraction of n / k
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
    """Pseudo-labels for the points whose largest aligned and averaged output exceeds a threshold.

    The paper does not give the threshold. The default, .95, is that of FixMatch (Sohn et al., 2020), which
    makes pseudo-labels in the same way. With up to twenty models, it rules out that one of them is sure of a
    different output: even if the output of all others were 1, the average would be at most .95.

    Parameters
    ----------
    threshold : float in [0, 1)
    min_fraction : float in [0, 1], minimum size of a cluster to train on, as a fraction of n / k
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
