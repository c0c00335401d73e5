"""What Ladder-IM and Ladder-Dot share: the ladder network and all terms of the loss but one."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from kingdra_repro.bases.ladder import Ladder
from kingdra_repro.networks.ladder import LadderNetwork
from kingdra_repro.objectives import kl_divergence


@dataclass(frozen=True)
class ClusteringLadder(Ladder, ABC):
    """Ladder-*: denoising (Eq. 7) + KL of clean and noisy outputs (Eq. 10) + a clustering term (Eq. 11).

    As in the public code it is KL(clean || noisy), and the clean outputs are not differentiated; Eq. 10 has
    KL(noisy || clean).

    Network and defaults are the public code's for MNIST. The paper gives all weights as 1 (appendix B).

    Parameters
    ----------
    last_layer_bn : batch norm of the outputs, too
    w_kl : weight of the KL term; the others are `Ladder`'s
    """

    hidden: tuple[int, ...] = (1200, 1200)
    denoising_costs: tuple[float, ...] = (1000.0, 10.0, 0.1, 0.1)
    last_layer_bn: bool = False
    w_kl: float = 1.0

    def build(
        self, n_features: int, n_clusters: int, generators: list[torch.Generator], precision: str
    ) -> LadderNetwork:
        """A stack of ``len(generators)`` networks; each draws its weights from its own generator."""
        return LadderNetwork(
            n_features,
            n_clusters,
            self.hidden,
            self.noise_std,
            self.last_layer_bn,
            generators,
            precision,
        )

    @abstractmethod
    def clustering_terms(
        self, clean: Tensor, noisy: Tensor, supervised: bool
    ) -> dict[str, tuple[float, Tensor]]:
        """(weight, value [M]) of the terms that keep outputs apart, from logits [M, B, k].

        ``supervised``: whether pseudo-labels do so as well.
        """

    def output_terms(self, clean: Tensor, noisy: Tensor, supervised: bool) -> dict[str, tuple[float, Tensor]]:
        return {
            # The clean outputs are the target; as in the public code they are not differentiated.
            "kl": (self.w_kl, kl_divergence(clean.detach(), noisy)),
            **self.clustering_terms(clean, noisy, supervised),
        }
