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
SMALLEST_SIDE = 6  # of an image, so that the last map has more than one value to normalise


def strides(height: int, width: int) -> tuple[int, int, int]:
    """Return the strides of the three convolutions for images of this size, after the document's code.

    The code has for side 16: 2, 1, 1 (USPS); 28 and 32: 2, 2, 1 (MNIST, FRGC); 55: 2, 2, 2 (YTF). For YTF it
    also has kernels of 5, 7 and 7, and so a last map 4 wide; with the kernels used here it is 6 wide.
    """
    side = min(height, width)
    if side <= 8 or max(height, width) <= 10:  # a stride of 2 would leave one value or none
        return 1, 1, 1
    if side <= 16:
        return 2, 1, 1
    return (2, 2, 1) if side <= 40 else (2, 2, 2)


class ConvolutionalAutoencoder(nn.Module):
    """Three convolutions, a code with tanh, and a mirrored decoder, for images given as rows of numbers.

    Each convolution is followed by instance norm and LeakyReLU (slope 0.01), except the decoder's last one.
    The document does not give kernels, strides and padding; those of its public code are used. The dropout of
    0.1 and the LeakyReLU on the reconstruction in that code are not in the text, and are left out. USPS has
    instance norm like the other data sets, as in the text; the code has batch norm there.

    Parameters
    ----------
    image_shape : (height, width) or (height, width, channels) of an image
    scale : factor that inputs are multiplied by first, to bring pixels to at most 1
    generator : CPU generator of the initial weights, which have PyTorch's default distribution, as in the
        public code
    """

    def __init__(
        self, image_shape: tuple[int, ...], n_code: int, scale: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        height, width = image_shape[:2]
        self.image_shape = (height, width, *image_shape[2:], 1)[:3]
        self.scale: Tensor
        self.register_buffer("scale", torch.tensor(scale))
        steps = strides(height, width)
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
            # Restore the rows and columns that the stride cut off at the edge.
            rest = tuple((side + 2 * PADDING - KERNELS[i]) % steps[i] for side in sizes[i])
            n_in, n_out = channels[i + 1], channels[i]
            self.up.append(new(nn.ConvTranspose2d, n_in, n_out, KERNELS[i], steps[i], PADDING, rest))

    def forward(self, x: Tensor) -> Tensor:
        """Return the code [B, n_code], between -1 and 1, of images [B, d]."""
        x = (self.scale * x).view(-1, *self.image_shape).movedim(3, 1)
        for layer in self.down:
            x = leaky_relu(instance_norm(layer(x).float()))  # from bfloat16, where products are rounded to it
        return torch.tanh(self.to_code(x.flatten(1)).float())

    def reconstruct(self, code: Tensor) -> Tensor:
        """Decode codes [B, n_code] to images [B, d], multiplied by ``scale``."""
        x = torch.tanh(self.from_code(code).float()).view(-1, *self.last_map)
        for layer in self.up[:-1]:
            x = leaky_relu(instance_norm(layer(x).float()))
        return self.up[-1](x).float().movedim(1, 3).flatten(1)

    def losses(self, x: Tensor, masking: float, generator: torch.Generator) -> dict[str, Tensor]:
        """Compute the mean squared error of the images, as ``loss``; see `Autoencoder.losses`."""
        reconstruction = self.reconstruct(self(mask(x, masking, generator)))
        return {"loss": (reconstruction - self.scale * x).square().mean()}


def _layer(generator: torch.Generator, kind: type[nn.Module], *sizes: Any) -> Any:
    """Make a layer with PyTorch's default initial weights, +-1 / sqrt(fan-in), drawn from the generator."""
    layer: Any = nn.utils.skip_init(kind, *sizes)
    nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
    bound = layer.weight[0].numel() ** -0.5
    nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return layer
