"""Pseudo-labels where the softmax is above a high threshold (paper, Table 1, third row)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from kingdra_repro.errors import InputError
from kingdra_repro.pseudo_labels.alignment import align, average
from kingdra_repro.pseudo_labels.labeller import MiniClusters, check_min_fraction


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
        if not 0 <= self.threshold < 1:
            raise InputError(f"threshold={self.threshold} is a probability: give 0 or more, less than 1")
        check_min_fraction(self.min_fraction)

    def __call__(self, proba: Tensor, features: Callable[[], Tensor] | None = None) -> MiniClusters:
        """Label the points of outputs [n_models, n, k]; see `PseudoLabeller`."""
        k = proba.shape[-1]
        largest, labels = average(proba, align(proba.argmax(-1), k)).max(1)
        return MiniClusters.of(torch.where(largest > self.threshold, labels, -1), k, self.min_fraction)
