"""The ladder network (Rasmus et al. 2015; Kingdra, appendix B), as a stack of M."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kingdra_repro.networks.layers import batch_normalize, gaussian_combinator, glorot_normal, standard_normal
from kingdra_repro.networks.moments import PopulationMoments
from kingdra_repro.networks.products import product


@dataclass(frozen=True)
class Encoding:
    """The result of one pass through the encoder.

    z : for each layer 0 (the input) to L, Tensor [M, B, d_l], before the shift and the nonlinearity
    z_pre : for each layer 1 to L, z before batch norm and noise
    logits : Tensor [M, B, k]
    """

    z: list[Tensor]
    z_pre: list[Tensor]
    logits: Tensor


class LadderNetwork(nn.Module):
    """M ladder networks d - hidden - k with the public code's layers.

    Encoder layer: product without bias, batch norm, Gaussian noise, a learned shift (beta), and ReLU except
    in the last layer, which is batch-normalised only if ``last_layer_bn``. Decoder layer: product without
    bias, batch norm, the Gaussian combinator with the noisy z of the same layer.

    In training, batch norm uses the moments of the batch; ``forward`` uses the population's, which
    ``set_moments`` must have computed.

    Parameters
    ----------
    hidden : widths of the hidden layers
    noise_std : standard deviation of the noise on the input and after each layer's batch norm
    generators : one CPU generator per model, for the initial weights
    precision : "float32", "tf32" or "bfloat16", of the matrix products; see `products`
    """

    moments: nn.ModuleList  # of PopulationMoments

    def __init__(
        self,
        n_features: int,
        n_clusters: int,
        hidden: tuple[int, ...],
        noise_std: float,
        last_layer_bn: bool,
        generators: list[torch.Generator],
        precision: str = "float32",
    ) -> None:
        super().__init__()
        self.widths = (n_features, *hidden, n_clusters)
        self.n_layers = len(self.widths) - 1  # L
        self.noise_std = noise_std
        self.last_layer_bn = last_layer_bn
        self.precision = precision
        self.n_models = n_models = len(generators)

        pairs = list(zip(self.widths[:-1], self.widths[1:], strict=True))
        self.encoder = nn.ParameterList(glorot_normal(n_models, i, o, generators) for i, o in pairs)
        self.beta = nn.ParameterList(torch.zeros(n_models, d) for d in self.widths[1:])
        self.decoder = nn.ParameterList(glorot_normal(n_models, o, i, generators) for i, o in pairs)
        self.combinator = nn.ParameterList(self._initial_combinator(d) for d in self.widths)
        self.moments = nn.ModuleList(PopulationMoments(n_models, d) for d in self.widths[1:])

    def _initial_combinator(self, width: int) -> Tensor:
        a = torch.zeros(self.n_models, 10, width)
        a[:, [1, 6]] = 1.0  # a2 = a7 = 1
        return a

    def _batch_normalized(self, layer: int) -> bool:
        return layer < self.n_layers or self.last_layer_bn

    def sample_noise(self, n_noisy: int, n_rows: int, generators: list[torch.Generator]) -> list[Tensor]:
        """Draw the standard normal noise of one step: for each layer 0..L a Tensor [M, n_noisy, n_rows, d_l].

        There is one draw per model, from its own generator (on the device of the parameters).
        """
        size = n_noisy * n_rows * sum(self.widths)
        flat = standard_normal((size,), generators, self.beta[0])
        layers = flat.split([n_noisy * n_rows * d for d in self.widths], dim=1)
        return [z.view(self.n_models, n_noisy, n_rows, -1) for z in layers]

    def encode(self, clean: Tensor, noisy: list[Tensor], noise: list[Tensor]) -> list[Encoding]:
        """Encode ``clean`` without noise and each tensor of ``noisy`` with noise, in one product per layer.

        Parameters
        ----------
        clean : Tensor [M, B, d]
        noisy : P tensors [M, B, d]
        noise : for each layer 0..L a standard normal Tensor [M, P, B, d_l]

        Returns
        -------
        list of 1 + P Encoding, the clean one first
        """

        def add_noise(z: tuple[Tensor, ...], layer: int) -> list[Tensor]:
            scaled = (self.noise_std * noise[layer]).unbind(1)
            return [z[0], *(a + b for a, b in zip(z[1:], scaled, strict=True))]

        z = add_noise((clean, *noisy), 0)
        all_z, all_z_pre = [z], []
        h = torch.stack(z, dim=1)
        for layer in range(1, self.n_layers + 1):
            z_pre = product(h, self.encoder[layer - 1], self.precision)
            all_z_pre.append(z_pre.unbind(1))
            normalized = batch_normalize(z_pre) if self._batch_normalized(layer) else z_pre
            z = add_noise(normalized.unbind(1), layer)
            all_z.append(z)
            h = self._activation(torch.stack(z, dim=1), layer)
        logits = h.unbind(1)
        return [
            Encoding([z[p] for z in all_z], [z_pre[p] for z_pre in all_z_pre], logits[p])
            for p in range(1 + len(noisy))
        ]

    def _activation(self, z: Tensor, layer: int) -> Tensor:
        """Return ReLU(z + beta) of z [M, ..., d_l]; without ReLU in the last layer."""
        beta = self.beta[layer - 1]
        h = z + beta.view(self.n_models, *[1] * (z.dim() - 2), -1)
        return torch.relu(h) if layer < self.n_layers else h

    def decode(self, clean: Encoding, noisy: Encoding) -> list[Tensor]:
        """Compute the denoised z of each layer 0..L from a noisy encoding: Tensors [M, B, d_l].

        As in the public code, and unlike Rasmus et al. (2015), they are not renormalised with the moments of
        the clean pass; `VanillaLadderNetwork` does that.
        """
        z_est: list[Tensor] = []
        for layer in range(self.n_layers, -1, -1):
            u = noisy.logits if not z_est else product(z_est[-1], self.decoder[layer], self.precision)
            z_est.append(gaussian_combinator(noisy.z[layer], batch_normalize(u), self.combinator[layer]))
        return z_est[::-1]

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [M, B, k] of the clean pass of x [M or 1, B, d], with the population's moments."""
        return self._hidden(x, self.n_layers)

    def features(self, x: Tensor) -> Tensor:
        """Return the last hidden layer [M, B, width] of the ``forward`` pass."""
        return self._hidden(x, self.n_layers - 1)

    def _hidden(self, x: Tensor, n_layers: int) -> Tensor:
        """Run the clean encoder's first layers on x [M or 1, B, d], with the population's moments."""
        h = x.expand(self.n_models, -1, -1)
        for layer in range(1, n_layers + 1):
            z_pre = product(h, self.encoder[layer - 1], self.precision)
            z = self.moments[layer - 1](z_pre) if self._batch_normalized(layer) else z_pre
            h = self._activation(z, layer)
        return h

    @torch.no_grad()
    def set_moments(self, chunks: Callable[[], Iterable[Tensor]]) -> None:
        """Set the clean encoder's moments; see `kingdra_repro.networks.perceptron.Perceptron.set_moments`."""
        for layer, (weight, moments) in enumerate(zip(self.encoder, self.moments, strict=True), 1):
            assert isinstance(moments, PopulationMoments)
            if self._batch_normalized(layer):
                hidden = (self._hidden(x, layer - 1) for x in chunks())
                moments.measure(product(h, weight, self.precision) for h in hidden)
