"""Which autoencoder data get: pictures the convolutional one, other rows the fully connected one."""

from collections.abc import Sequence

import torch

from kingdra_repro.methods.autoencoder import unit_scale
from kingdra_repro.methods.network_clusterer import CHUNK
from kingdra_repro.networks.autoencoder import BoundedAutoencoder
from kingdra_repro.networks.convolutional_autoencoder import SMALLEST_SIDE, ConvolutionalAutoencoder
from kingdra_repro.training.rows import Rows


def autoencoder_for(
    n_features: int,
    image_shape: Sequence[int] | None,
    n_code: int,
    hidden: Sequence[int],
    generator: torch.Generator,
) -> ConvolutionalAutoencoder | BoundedAutoencoder:
    """Make an autoencoder for rows of d numbers: convolutional for pictures of six pixels or more a side.

    It leaves inputs as they are until its ``scale`` is set to what `scale_for` gives.

    Parameters
    ----------
    n_features : d
    image_shape : (height, width), (height, width, channels) or None
    n_code : width of the code
    hidden : widths of the fully connected one's hidden layers
    generator : of the first weights
    """
    if image_shape is not None and min(image_shape[:2]) >= SMALLEST_SIDE:
        return ConvolutionalAutoencoder(tuple(image_shape), n_code, 1.0, generator)
    return BoundedAutoencoder(n_features, n_code, hidden, 1.0, generator)


def scale_for(network: ConvolutionalAutoencoder | BoundedAutoencoder, rows: Rows) -> float:
    """Compute what brings pixels to at most 1 (convolutional), or the mean square to 1 (the other)."""
    if isinstance(network, BoundedAutoencoder):
        return unit_scale(rows)
    largest = max(float(chunk.abs().max()) for chunk in rows.chunks(CHUNK))
    return 1 / largest if largest else 1.0
