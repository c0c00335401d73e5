"""The ladder network with the layers of Rasmus et al. (2015), as a stack of M."""

import torch
from torch import Tensor, nn

from kingdra_repro.networks.ladder import Encoding, LadderNetwork
from kingdra_repro.networks.layers import (
    BATCH_NORM_EPSILON,
    batch_normalize,
    gaussian_combinator,
    product,
)


class VanillaLadderNetwork(LadderNetwork):
    """M ladder networks d - hidden - k as in Rasmus et al. (2015), Algorithm 1.

    What it has beyond the Kingdra code's `LadderNetwork`: batch norm and a learned scale (gamma) of the
    outputs; their softmax, not the logits, at the top of the decoder; and denoised layers that are
    renormalised with the moments of the clean pass before they are compared with it.

    Parameters
    ----------
    n_features, n_clusters, hidden, noise_std, generators, precision : see `LadderNetwork`
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
        """gamma (z + beta) of the outputs, ReLU(z + beta) of the layers below."""
        if layer < self.n_layers:
            return super()._activation(z, layer)
        gamma = self.gamma.view(self.n_models, *[1] * (z.dim() - 2), -1)
        return gamma * super()._activation(z, layer)

    def decode(self, clean: Encoding, noisy: Encoding) -> list[Tensor]:
        """The denoised z of each layer 0..L, renormalised: Tensors [M, B, d_l]."""
        z_pre = self._z_pre(clean)
        z_est: list[Tensor] = []
        z_above: Tensor | None = None  # the denoised z of the layer above, not renormalised
        for layer in range(self.n_layers, -1, -1):
            if z_above is None:
                u = torch.softmax(noisy.logits, dim=-1)
            else:
                u = product(z_above, self.decoder[layer], self.precision)
            z_above = gaussian_combinator(noisy.z[layer], batch_normalize(u), self.combinator[layer])
            z_est.append(_renormalized(z_above, z_pre[layer - 1]) if layer > 0 else z_above)
        return z_est[::-1]

    def _z_pre(self, clean: Encoding) -> list[Tensor]:
        """Layers 1..L of the clean pass before batch norm: its products once more."""
        h = [clean.z[0], *(self._activation(z, i) for i, z in enumerate(clean.z[1:-1], 1))]
        return [product(h_l, weight, self.precision) for h_l, weight in zip(h, self.encoder, strict=True)]


def _renormalized(z_est: Tensor, z_pre: Tensor) -> Tensor:
    """z_est [M, B, d], less the mean of z_pre over the batch and divided by its standard deviation."""
    mean = z_pre.mean(-2, keepdim=True)
    variance = (z_pre - mean).square().mean(-2, keepdim=True)
    return (z_est - mean) * torch.rsqrt(variance + BATCH_NORM_EPSILON)
