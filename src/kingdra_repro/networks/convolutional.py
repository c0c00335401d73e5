"""A small convolutional network for images, as a stack of M: convolutions, then IMSAT's perceptron."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from kingdra_repro.networks.layers import batch_normalize, lecun_normal
from kingdra_repro.networks.moments import PopulationMoments
from kingdra_repro.networks.perceptron import Perceptron

KERNEL, STRIDE, PADDING = 5, 2, 2
WEIGHT_SCALE = 2.0  # He et al. (2015), for layers followed by ReLU


def map_sizes(image_shape: tuple[int, ...], channels: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Return (height, width, channels) of the image and of each convolution's output, half its size."""
    height, width, colours = image_shape
    sizes = [(height, width, colours)]
    for n_out in channels:
        height, width = -(-height // STRIDE), -(-width // STRIDE)
        sizes.append((height, width, n_out))
    return sizes


class ConvolutionalNetwork(nn.Module):
    """M networks for images: convolutions of 5 x 5 with a stride of 2, then a `Perceptron`.

    Each convolution is followed by batch norm, a learned scale (gamma) and shift (beta) of each channel, and
    ReLU; there is no pooling. Convolutions are float32 for every ``precision``; on a GPU cuDNN rounds their
    factors to TF32 if ``torch.backends.cudnn.allow_tf32`` is True, which is the default.
    In training (``encode``) batch norm uses the moments of the batch; ``forward`` uses the population's,
    which ``set_moments`` must have computed.

    Parameters
    ----------
    image_shape : (height, width, channels) of an image, a row of d = height * width * channels numbers
    channels : number of output channels of each convolution
    hidden, generators, precision : those of the perceptron; see `Perceptron`
    """

    moments: nn.ModuleList  # of PopulationMoments

    def __init__(
        self,
        image_shape: tuple[int, ...],
        channels: tuple[int, ...],
        hidden: tuple[int, ...],
        n_clusters: int,
        generators: list[torch.Generator],
        precision: str = "float32",
    ) -> None:
        super().__init__()
        self.n_models = n_models = len(generators)
        self.image_shape = image_shape
        sizes = map_sizes(image_shape, channels)
        self.kernels = nn.ParameterList()
        for (*_, n_in), n_out in zip(sizes, channels, strict=False):
            matrices = lecun_normal(n_in * KERNEL**2, n_out, WEIGHT_SCALE, generators)
            self.kernels.append(matrices.mT.reshape(n_models, n_out, n_in, KERNEL, KERNEL))
        self.gamma = nn.ParameterList(torch.ones(n_models, n_out) for n_out in channels)
        self.beta = nn.ParameterList(torch.zeros(n_models, n_out) for n_out in channels)
        self.moments = nn.ModuleList(PopulationMoments(n_models, n_out) for n_out in channels)
        self.perceptron = Perceptron(math.prod(sizes[-1]), n_clusters, hidden, generators, precision)

    def encode(self, inputs: list[Tensor]) -> list[Tensor]:
        """Return logits [M, B, k] for each of P tensors [M, B, d], normalised with its own batch moments."""
        h = torch.stack(inputs, dim=1).unflatten(-1, self.image_shape)
        for layer in range(len(self.kernels)):
            z = self._convolution(h, layer)
            h = self._activation(batch_normalize(z.flatten(2, -2)).view(z.shape), layer)
        return self.perceptron.encode(list(h.flatten(3).unbind(1)))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [M, B, k] of x [M or 1, B, d], with the population's moments."""
        return self.perceptron(self._maps(x, len(self.kernels)).flatten(3).squeeze(1))

    def features(self, x: Tensor) -> Tensor:
        """Return the last hidden layer [M, B, width] of the ``forward`` pass."""
        return self.perceptron.features(self._maps(x, len(self.kernels)).flatten(3).squeeze(1))

    def _maps(self, x: Tensor, layer: int) -> Tensor:
        """Return the input of convolution ``layer`` in ``forward``: [M, 1, B, height, width, channels]."""
        h = x.expand(self.n_models, -1, -1).unflatten(-1, self.image_shape)[:, None]
        for i in range(layer):
            z = self._convolution(h, i)
            h = self._activation(self.moments[i](z.flatten(1, -2)).view(z.shape), i)
        return h

    def _convolution(self, h: Tensor, layer: int) -> Tensor:
        """Apply a convolution to [M, P, B, height, width, channels]; the result is before batch norm.

        Channels are last, so that each position of an image is a row of the batch norm.
        """
        maps = [
            conv2d(pictures.movedim(-1, 1), kernel, stride=STRIDE, padding=PADDING).movedim(1, -1)
            for pictures, kernel in zip(h.flatten(1, 2), self.kernels[layer], strict=True)
        ]
        return torch.stack(maps).unflatten(1, h.shape[1:3])

    def _activation(self, z: Tensor, layer: int) -> Tensor:
        gamma, beta = self.gamma[layer], self.beta[layer]
        of_channels = (self.n_models, *[1] * (z.dim() - 2), -1)
        return torch.relu(torch.addcmul(beta.view(of_channels), gamma.view(of_channels), z))

    @torch.no_grad()
    def set_moments(self, chunks: Callable[[], Iterable[Tensor]]) -> None:
        """Compute and store the population moments of every batch norm; see `Perceptron.set_moments`."""
        for layer, moments in enumerate(self.moments):
            assert isinstance(moments, PopulationMoments)
            maps = (self._convolution(self._maps(x, layer), layer) for x in chunks())
            moments.measure(z.flatten(1, -2) for z in maps)
        last = len(self.kernels)
        self.perceptron.set_moments(lambda: (self._maps(x, last).flatten(3).squeeze(1) for x in chunks()))
