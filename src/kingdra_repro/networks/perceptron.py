"""The perceptron of IMSAT (Hu et al. 2017), as a stack of M; softmax regression without hidden layers."""

import itertools
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from kingdra_repro.networks.layers import batch_normalize, lecun_normal
from kingdra_repro.networks.moments import PopulationMoments
from kingdra_repro.networks.products import product

HIDDEN_SCALE, OUTPUT_SCALE = 0.1, 1e-4  # wscale in IMSAT's public code


class Perceptron(nn.Module):
    """M perceptrons d - hidden - k with the layers of IMSAT's public code.

    Each hidden layer is a product, batch norm, a learned scale (gamma) and shift (beta), and ReLU; the output
    layer is a product and a learned bias. The public code also has biases before batch norm, where they have
    no effect. Initial weights are normal with variance 0.1 / n_in, or 0.0001 / n_in in the last layer, so
    that the initial outputs are all close to 1/k; gamma starts at 1, beta and bias at 0.

    In training (``encode``) batch norm uses the moments of the batch. ``forward`` uses the population's,
    which ``set_moments`` must have computed; the public code uses running averages.

    Parameters
    ----------
    hidden : widths of the hidden layers, may be empty
    generators : one CPU generator per model, for the initial weights
    precision : "float32", "tf32" or "bfloat16", of the matrix products; see `products`

    References
    ----------
    Hu, Miyato, Tokui, Matsumoto, Sugiyama (2017), Learning Discrete Representations via Information
    Maximizing Self-Augmented Training, ICML.
    """

    moments: nn.ModuleList  # of PopulationMoments

    def __init__(
        self,
        n_features: int,
        n_clusters: int,
        hidden: tuple[int, ...],
        generators: list[torch.Generator],
        precision: str = "float32",
    ) -> None:
        super().__init__()
        self.precision = precision
        self.n_models = n_models = len(generators)
        widths = (n_features, *hidden, n_clusters)
        scales = [*(HIDDEN_SCALE for _ in hidden), OUTPUT_SCALE]
        self.weights = nn.ParameterList(
            lecun_normal(n_in, n_out, scale, generators)
            for (n_in, n_out), scale in zip(itertools.pairwise(widths), scales, strict=True)
        )
        self.gamma = nn.ParameterList(torch.ones(n_models, d) for d in hidden)
        self.beta = nn.ParameterList(torch.zeros(n_models, d) for d in hidden)
        self.bias = nn.Parameter(torch.zeros(n_models, n_clusters))
        self.moments = nn.ModuleList(PopulationMoments(n_models, d) for d in hidden)

    def encode(self, inputs: list[Tensor], constant_weights: bool = False) -> list[Tensor]:
        """Return logits [M, B, k] for each of P tensors [M, B, d], normalised with its own batch moments.

        The weights of a layer are read once for all P tensors. With ``constant_weights`` they are not
        differentiated, for when only derivatives with respect to the inputs are needed.
        """
        weights = [weight.detach() for weight in self.weights] if constant_weights else self.weights
        h = torch.stack(inputs, dim=1)
        for weight, gamma, beta in zip(weights, self.gamma, self.beta, strict=False):
            z = batch_normalize(product(h, weight, self.precision))
            h = torch.relu(torch.addcmul(beta[:, None, None], gamma[:, None, None], z))
        logits = product(h, weights[-1], self.precision) + self.bias[:, None, None]
        return list(logits.unbind(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [M, B, k] of x [M or 1, B, d], with the population's moments."""
        return self._pre_activation(x, len(self.moments)) + self.bias[:, None]

    def features(self, x: Tensor) -> Tensor:
        """Return the last hidden layer [M, B, width] of the ``forward`` pass; x itself if there is none."""
        return self._hidden(x, len(self.moments))

    def _pre_activation(self, x: Tensor, layer: int) -> Tensor:
        """Return the product of layer ``layer``, before its batch norm or bias."""
        return product(self._hidden(x, layer), self.weights[layer], self.precision)

    def _hidden(self, x: Tensor, layer: int) -> Tensor:
        """Return the input of layer ``layer``."""
        h = x.expand(self.n_models, -1, -1)
        for i in range(layer):
            z = self.moments[i](product(h, self.weights[i], self.precision))
            h = torch.relu(torch.addcmul(self.beta[i][:, None], self.gamma[i][:, None], z))
        return h

    @torch.no_grad()
    def set_moments(self, chunks: Callable[[], Iterable[Tensor]]) -> None:
        """Compute and store the population moments of every batch norm.

        The moments of a layer depend on those of the layers below, so each layer needs a pass over the data:
        each call of ``chunks`` returns the data set as tensors [1, b, d], of which one is held at a time.
        """
        for layer, moments in enumerate(self.moments):
            assert isinstance(moments, PopulationMoments)
            moments.measure(self._pre_activation(x, layer) for x in chunks())
