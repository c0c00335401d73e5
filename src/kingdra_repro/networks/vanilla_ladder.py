"""The ladder network with the layers of Rasmus et al. (2015), as a stack of M."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from kingdra_repro.networks.ladder import Encoding, LadderNetwork
from kingdra_repro.networks.moments import normalize


class VanillaLadderNetwork(LadderNetwork):
    """M ladder networks d - hidden - k as in Rasmus et al. (2015), Algorithm 1.

    It differs from the `LadderNetwork` of Kingdra's code: the outputs have batch norm and a learned scale
    (gamma); the decoder starts from their softmax, not the logits; and denoised layers are renormalised with
    the moments of the clean pass before they are compared with it.
    """

    def __init__(
        self,
        n_features: int,
        n_clusters: int,
        hidden: tuple[int, ...],
        noise_std: float,
        generators: list[torch.Generator],
        precision: str = "float32",
    ) -> None:
        super().__init__(n_features, n_clusters, hidden, noise_std, True, generators, precision)
        self.gamma = nn.Parameter(torch.ones(self.n_models, n_clusters))

    def _activation(self, z: Tensor, layer: int) -> Tensor:
        """Return gamma (z + beta) in the last layer, ReLU(z + beta) in the layers below."""
        if layer < self.n_layers:
            return super()._activation(z, layer)
        gamma = self.gamma.view(self.n_models, *[1] * (z.dim() - 2), -1)
        return gamma * super()._activation(z, layer)

    def decode(self, clean: Encoding, noisy: Encoding) -> list[Tensor]:
        """Compute the denoised z of each layer 0..L, renormalised: Tensors [M, B, d_l]."""
        z_est = super().decode(clean, replace(noisy, logits=torch.softmax(noisy.logits, dim=-1)))
        return [z_est[0], *map(_renormalized, z_est[1:], clean.z_pre)]


def _renormalized(z_est: Tensor, z_pre: Tensor) -> Tensor:
    """Normalise z_est [M, B, d] with the batch mean and standard deviation of z_pre."""
    mean = z_pre.mean(-2, keepdim=True)
    variance = (z_pre - mean).square().mean(-2, keepdim=True)
    return normalize(z_est, mean, variance)
