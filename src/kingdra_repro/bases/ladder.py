"""What Ladder-IM and Ladder-Dot share: the network and all terms of the loss but one."""

import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from kingdra_repro.bases.base import Batch
from kingdra_repro.errors import InputError
from kingdra_repro.networks.ladder import LadderNetwork
from kingdra_repro.objectives import cross_entropy, denoising_cost, kl_divergence


@dataclass(frozen=True)
class Ladder(ABC):
    """Ladder-*: denoising (Eq. 7) + KL of clean and noisy outputs (Eq. 10) + a clustering term.

    Defaults are the public code's for MNIST. The paper gives all weights as 1 (appendix B).

    Parameters
    ----------
    hidden : widths of the hidden layers
    noise_std : standard deviation of the noise on the input and on each layer
    last_layer_bn : batch norm of the outputs, too
    denoising_costs : one weight a layer, from the input up
    w_denoise, w_kl : weights of the denoising and of the KL term
    """

    hidden: tuple[int, ...] = (1200, 1200)
    noise_std: float = 0.3
    last_layer_bn: bool = False
    denoising_costs: tuple[float, ...] = (1000.0, 10.0, 0.1, 0.1)
    w_denoise: float = 1.0
    w_kl: float = 1.0

    def __post_init__(self) -> None:
        for name in ("hidden", "denoising_costs"):  # lists from a config: equal bases are found by their hash
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if len(self.denoising_costs) != len(self.hidden) + 2:
            raise InputError(
                f"denoising_costs has {len(self.denoising_costs)} values for {len(self.hidden)} hidden "
                f"layers: give {len(self.hidden) + 2}, one for the input, each hidden layer and the outputs"
            )
        if self.noise_std < 0:
            raise InputError(f"noise_std={self.noise_std} is negative: give 0 or more")

    @abstractmethod
    def clustering_terms(
        self, clean: Tensor, noisy: Tensor, iteration: int
    ) -> dict[str, tuple[float, Tensor]]:
        """(weight, value [M]) of the terms that keep outputs apart, from logits [M, B, k]."""

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

    def n_weights(self, n_features: int, n_clusters: int) -> int:
        widths = (n_features, *self.hidden, n_clusters)
        return 2 * sum(a * b for a, b in itertools.pairwise(widths))

    def radii(self, X: np.ndarray | sp.csr_matrix) -> None:
        return None

    def sample_noise(
        self, network: LadderNetwork, n_rows: int, supervised: bool, generators: list[torch.Generator]
    ) -> list[Tensor]:
        return network.sample_noise(2 if supervised else 1, n_rows, generators)

    def losses(self, network: LadderNetwork, batch: Batch, iteration: int) -> dict[str, Tensor]:
        """The terms of Eq. 11 (and of Eq. 8, where there are pseudo-labels) on one batch.

        See `kingdra_repro.bases.base.Base.losses`.
        """
        noisy_inputs = [batch.x] if batch.x_sup is None else [batch.x, batch.x_sup]
        clean, noisy, *supervised = network.encode(batch.x, noisy_inputs, batch.noise)
        z_est = network.decode(noisy)
        terms = {
            "denoising": (self.w_denoise, denoising_cost(clean.z, z_est, self.denoising_costs)),
            # The clean outputs are the target; as in the public code they are not differentiated.
            "kl": (self.w_kl, kl_divergence(clean.logits.detach(), noisy.logits)),
            **self.clustering_terms(clean.logits, noisy.logits, iteration),
        }
        if batch.y_sup is not None:
            terms["supervised"] = (1.0, cross_entropy(supervised[0].logits, batch.y_sup))
        total = torch.stack([weight * value for weight, value in terms.values()]).sum(0)
        return {"loss": total, **{name: value for name, (_, value) in terms.items()}}
