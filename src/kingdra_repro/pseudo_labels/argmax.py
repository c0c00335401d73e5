"""Pseudo-labels that are the ensemble's own answer (paper, Table 1, first row)."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from kingdra_repro.pseudo_labels.alignment import align, average
from kingdra_repro.pseudo_labels.labeller import MiniClusters, check_min_fraction


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
        check_min_fraction(self.min_fraction)

    def __call__(self, proba: Tensor, features: Callable[[], Tensor] | None = None) -> MiniClusters:
        """Label the points of outputs [n_models, n, k]; see `PseudoLabeller`."""
        k = proba.shape[-1]
        labels = average(proba, align(proba.argmax(-1), k)).argmax(1)
        return MiniClusters.of(labels, k, self.min_fraction)
