"""The convolutional autoencoder of the second document (Baboota, Semi Supervised Clustering), section 4.2."""

import itertools
import math
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import instance_norm, leaky_relu

from kingdra_repro.networks.autoencoder import mask
from kingdra_repro.networks.products import Linear

CHANNELS = (32, 64, 128)  # of the three convolutions
KERNELS = (3, 5, 5)
PADDING = 1
SMALLEST_SIDE = 6  # of a picture, so that more than one number is left to normalise


def strides(side: int) -> tuple[int, int, int]:
    """Of the three convolutions, for pictures of this side: what the document's code has for its data sets.

    16: 2, 1, 1 (USPS); 28 and 32: 2, 2, 1 (MNIST, FRGC); 55: 2, 2, 2 (YTF, for which it has kernels of 5, 7
    and 7, too, and a last map 4 wide; with ours it is 6 wide).
    """
    if side <= 8:
        return 1, 1, 1
    if side <= 16:
        return 2, 1, 1
    return (2, 2, 1) if side <= 40 else (2, 2, 2)


class ConvolutionalAutoencoder(nn.Module):
    """Three convolutions, a code of tanh, and their mirror image; of pictures, each a row of numbers.

    Each convolution is followed by instance norm and LeakyReLU (slope 0.01), the last of the decoder by
    nothing. The document is silent on kernels, strides and padding: those of its public code. Its dropout of
    0.1 and the LeakyReLU of its reconstruction, which the text does not have, are left out; USPS has instance
    norm like the others, as the text says, where the code has batch norm.

    Parameters
    ----------
    image_shape : (height, width) or (height, width, channels) of a picture
    scale : what inputs are multiplied with first, to bring pixels to at most 1
    generator : of the initial weights, on the CPU; they are PyTorch's own, as in the public code
    """

    def __init__(
        self, image_shape: tuple[int, ...], n_code: int, scale: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        height, width = image_shape[:2]
        self.image_shape = (height, width, *image_shape[2:], 1)[:3]
        self.scale: Tensor
        self.register_buffer("scale", torch.tensor(scale))
        steps = strides(min(height, width))
        sizes = [(height, width)]  # of the maps
        for kernel, stride in zip(KERNELS, steps, strict=True):
            sizes.append(tuple((side + 2 * PADDING - kernel) // stride + 1 for side in sizes[-1]))  # type: ignore[arg-type]
        self.last_map = (CHANNELS[-1], *sizes[-1])
        channels = (self.image_shape[2], *CHANNELS)
        new = partial(_layer, generator)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for i, (n_in, n_out) in enumerate(itertools.pairwise(channels)):
            self.down.append(new(nn.Conv2d, n_in, n_out, KERNELS[i], steps[i], PADDING))
        self.to_code = new(Linear, math.prod(self.last_map), n_code)
        self.from_code = new(Linear, n_code, math.prod(self.last_map))
        for i in reversed(range(len(KERNELS))):
            # What the stride cut off at the edge is put there again.
            rest = tuple((side + 2 * PADDING - KERNELS[i]) % steps[i] for side in sizes[i])
            n_in, n_out = channels[i + 1], channels[i]
            self.up.append(new(nn.ConvTranspose2d, n_in, n_out, KERNELS[i], steps[i], PADDING, rest))

    def forward(self, x: Tensor) -> Tensor:
        """Return the code [B, n_code], between -1 and 1, of pictures [B, d]."""
        x = (self.scale * x).view(-1, *self.image_shape).movedim(3, 1)
        for layer in self.down:
            x = leaky_relu(instance_norm(layer(x).float()))  # from bfloat16, where products are rounded to it
        return torch.tanh(self.to_code(x.flatten(1)).float())

    def reconstruct(self, code: Tensor) -> Tensor:
        """Return the pictures [B, d], times ``scale``, that codes [B, n_code] stand for."""
        x = torch.tanh(self.from_code(code).float()).view(-1, *self.last_map)
        for layer in self.up[:-1]:
            x = leaky_relu(instance_norm(layer(x).float()))
        return self.up[-1](x).float().movedim(1, 3).flatten(1)

    def losses(self, x: Tensor, masking: float, generator: torch.Generator) -> dict[str, Tensor]:
        """Compute the mean squared error of the pictures, as ``loss``; see `Autoencoder.losses`."""
        reconstruction = self.reconstruct(self(mask(x, masking, generator)))
        return {"loss": (reconstruction - self.scale * x).square().mean()}


def _layer(generator: torch.Generator, kind: type[nn.Module], *sizes: Any) -> Any:
    """Make a layer with PyTorch's own first weights, +-1 / sqrt(fan-in), but from the generator."""
    layer: Any = nn.utils.skip_init(kind, *sizes)
    nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
    bound = layer.weight[0].numel() ** -0.5
    nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return layer
