"""Ladder networks: the base class of all, and the vanilla one, which learns from labels."""

import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from kingdra_repro.bases.base import Batch, with_total
from kingdra_repro.checks import as_tuple, check_numbers, check_widths, non_negative
from kingdra_repro.data.streamed import Matrix
from kingdra_repro.errors import InputError
from kingdra_repro.networks.denoising import usual_costs
from kingdra_repro.networks.ladder import LadderNetwork
from kingdra_repro.networks.vanilla_ladder import VanillaLadderNetwork
from kingdra_repro.objectives import denoising_cost


@dataclass(frozen=True)
class DenoisingLadder(ABC):
    """A ladder network: denoising (Eq. 7) + the terms on its outputs that the subclass defines.

    Parameters
    ----------
    hidden : widths of the hidden layers
    noise_std : standard deviation of the noise on the input and on each layer
    denoising_costs : one weight for the input, each hidden layer and the outputs; None: `usual_costs`, which
        follow the depth if ``hidden`` is replaced
    w_denoise : weight of the denoising term
    """

    hidden: tuple[int, ...]
    noise_std: float = 0.3
    denoising_costs: tuple[float, ...] | None = None
    w_denoise: float = 1.0

    def __post_init__(self) -> None:
        # Lists from a config become tuples, so that equal bases compare equal.
        object.__setattr__(self, "hidden", as_tuple("hidden", self.hidden))
        check_widths(self.hidden)
        usual, given = usual_costs(self.hidden), self.denoising_costs
        costs = usual if given is None else as_tuple("denoising_costs", given)
        if costs == usual_costs(costs[1:-1]):  # the usual costs of another depth: `replace` keeps them
            costs = usual
        object.__setattr__(self, "denoising_costs", costs)
        if len(self.costs) != len(self.hidden) + 2:
            raise InputError(
                f"denoising_costs has {len(self.costs)} values for {len(self.hidden)} hidden "
                f"layers: give {len(self.hidden) + 2}, one for the input, each hidden layer and the outputs",
                parameter="denoising_costs",
            )
        for cost in self.costs:
            non_negative("denoising_costs", cost)
        check_numbers(self)

    @property
    def costs(self) -> tuple[float, ...]:
        """The denoising weights, one per layer."""
        return self.denoising_costs or ()

    @abstractmethod
    def output_terms(self, clean: Tensor, noisy: Tensor, batch: Batch) -> dict[str, tuple[float, Tensor]]:
        """Return (weight, value [M]) of each term on the outputs for batch.x, from their logits [M, B, k]."""

    def n_weights(self, n_features: int, n_clusters: int) -> int:
        widths = (n_features, *self.hidden, n_clusters)
        return 2 * sum(a * b for a, b in itertools.pairwise(widths))

    def radii(self, X: Matrix, device: torch.device) -> None:
        return None

    def sample_noise(
        self, network: LadderNetwork, n_rows: int, n_supervised: int, generators: list[torch.Generator]
    ) -> list[Tensor]:
        return network.sample_noise(1 + n_supervised, n_rows, generators)

    def losses(self, network: LadderNetwork, batch: Batch) -> dict[str, Tensor]:
        """Compute the terms of Eq. 11 (and of Eq. 8, if there are labels or pseudo-labels) on one batch.

        Labels and linked pairs apply to noisy outputs. See `kingdra_repro.bases.base.Base.losses`.
        """
        clean, noisy, *supervised = network.encode(batch.x, [batch.x, *batch.supervised_inputs], batch.noise)
        z_est = network.decode(clean, noisy)
        return with_total(
            {
                "denoising": (self.w_denoise, denoising_cost(clean.z, z_est, self.costs)),
                **self.output_terms(clean.logits, noisy.logits, batch),
                **batch.supervised_terms([encoding.logits for encoding in supervised]),
            }
        )


@dataclass(frozen=True)
class Ladder(DenoisingLadder):
    """The vanilla ladder network: denoising (Eq. 7) + cross entropy of noisy outputs and labels (Eq. 8).

    Only labels tell its outputs apart, so it is the base model of `SemiSupervised`; subclasses of
    `ClusteringLadder` find clusters. The network and the defaults are those of Rasmus et al. for MNIST.

    Parameters
    ----------
    hidden, noise_std, denoising_costs, w_denoise : see `DenoisingLadder`

    References
    ----------
    Rasmus, Valpola, Honkala, Berglund, Raiko (2015), Semi-Supervised Learning with Ladder Networks, NeurIPS.
    """

    hidden: tuple[int, ...] = (1000, 500, 250, 250, 250)

    def build(
        self, n_features: int, n_clusters: int, generators: list[torch.Generator], precision: str
    ) -> LadderNetwork:
        return VanillaLadderNetwork(
            n_features, n_clusters, self.hidden, self.noise_std, generators, precision
        )

    def output_terms(self, clean: Tensor, noisy: Tensor, batch: Batch) -> dict[str, tuple[float, Tensor]]:
        """Return no terms: the denoising alone does not constrain the outputs.

        Raises
        ------
        InputError
            If the batch has neither labels nor linked pairs to learn from.
        """
        if not batch.supervised_inputs:
            raise InputError(
                "base=ladder learns from labels and finds no clusters: give method=semi_supervised, "
                "or a base that does, such as base=ladder_im"
            )
        return {}
