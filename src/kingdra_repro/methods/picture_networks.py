"""Which autoencoder data get: pictures the convolutional one, other rows the fully connected one."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from kingdra_repro.checks import is_integer, must_be
from kingdra_repro.methods.autoencoder import unit_scale
from kingdra_repro.methods.network_clusterer import CHUNK
from kingdra_repro.networks.autoencoder import BoundedAutoencoder
from kingdra_repro.networks.convolutional_autoencoder import SMALLEST_SIDE, ConvolutionalAutoencoder
from kingdra_repro.training.rows import Rows


def check_image_shape(shape: Any, n_features: int) -> None:
    """Raise InputError unless rows of so many numbers can be pictures of this shape; None is no picture."""
    if shape is None:
        return
    if (
        not isinstance(shape, Sequence)
        or len(shape) not in (2, 3)
        or not all(is_integer(i, 1) for i in shape)
    ):
        raise must_be("(height, width) or (height, width, channels)", "image_shape", shape)
    if math.prod(shape) != n_features:
        raise must_be(f"a shape of {n_features} numbers, as the rows have", "image_shape", shape)


def autoencoder_for(
    rows: Rows,
    image_shape: Sequence[int] | None,
    n_code: int,
    hidden: Sequence[int],
    generator: torch.Generator,
) -> ConvolutionalAutoencoder | BoundedAutoencoder:
    """Make an autoencoder for the rows: convolutional for pictures of six pixels or more a side.

    Parameters
    ----------
    rows : Rows
    image_shape : (height, width), (height, width, channels) or None
    n_code : width of the code
    hidden : widths of the fully connected one's hidden layers
    generator : of the first weights
    """
    if image_shape is not None and min(image_shape[:2]) >= SMALLEST_SIDE:
        largest = max(float(chunk.abs().max()) for chunk in rows.chunks(CHUNK))
        return ConvolutionalAutoencoder(
            tuple(image_shape), n_code, 1 / largest if largest else 1.0, generator
        )
    return BoundedAutoencoder(rows.d, n_code, hidden, unit_scale(rows), generator)
