"""IMSAT for pictures: a convolutional network whose outputs are invariant to affine distortions."""

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from kingdra_repro.bases.base import Batch, with_total
from kingdra_repro.bases.perturbations import AFFINE_NUMBERS, affine_distortion
from kingdra_repro.bases.rim import InformationMaximization
from kingdra_repro.checks import as_tuple, check_image_shape, widths
from kingdra_repro.errors import InputError
from kingdra_repro.networks.convolutional import KERNEL, ConvolutionalNetwork, map_sizes
from kingdra_repro.networks.layers import standard_normal
from kingdra_repro.objectives import kl_divergence, mutual_information_loss


@dataclass(frozen=True)
class IMSATAffine(InformationMaximization):
    """KL(p(x) || p(Tx)) + w_mi [H(Y|X) - mu H(Y)], with T a random affine distortion of the picture.

    This base is not in the Kingdra paper. Hu et al. (2017) use such distortions for Omniglot only, with a
    perceptron; the network here is convolutional. It suits pictures whose class does not change when they are
    rotated, sheared, scaled and shifted a little; it does not suit 6 and 9 in any orientation, or maps.
    Pseudo-labelled and linked points are distorted as well.

    Parameters
    ----------
    hidden : widths of the hidden layers after the convolutions; may be empty
    w_mi, mu : see `InformationMaximization`
    mu_later : mu while all outputs have pseudo-labels. These keep outputs apart, too, but unlike H(Y) do not
        favour clusters of equal size. 0: the conditional entropy alone; None: ``mu``
    image_shape : (height, width) or (height, width, channels) of a picture, which is a row of X. None: not
        known, so it cannot be trained yet; the command line fills in the data set's shape
    channels : number of output channels of each convolution
    rotation : largest angle in degrees, in either direction
    scaling : largest relative change of the height and of the width
    shear : largest shift between two rows of a picture, relative to their distance
    shift : largest shift, as a fraction of the height and of the width

    References
    ----------
    Hu, Miyato, Tokui, Matsumoto, Sugiyama (2017), Learning Discrete Representations via Information
    Maximizing Self-Augmented Training, ICML.
    """

    hidden: tuple[int, ...] = (128,)
    image_shape: tuple[int, ...] | None = None
    channels: tuple[int, ...] = (16, 32)
    mu_later: float | None = 0.0
    rotation: float = 15.0
    scaling: float = 0.1
    shear: float = 0.2
    shift: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "channels", as_tuple("channels", self.channels))
        widths("channels", self.channels)
        if self.image_shape is not None:
            object.__setattr__(self, "image_shape", as_tuple("image_shape", self.image_shape))
            check_image_shape(self.image_shape)

    def build(  # type: ignore[override]
        self, n_features: int, n_clusters: int, generators: list[torch.Generator], precision: str
    ) -> ConvolutionalNetwork:
        shape = self._image_shape(n_features)
        return ConvolutionalNetwork(shape, self.channels, self.hidden, n_clusters, generators, precision)

    def n_weights(self, n_features: int, n_clusters: int) -> int:
        """Return the number of weights; those of a convolution count once for each position of the kernel."""
        sizes = map_sizes(self._image_shape(n_features), self.channels)
        pairs = itertools.pairwise(sizes)
        convolutions = sum(n_in * KERNEL**2 * math.prod(size) for (*_, n_in), size in pairs)
        return convolutions + super().n_weights(math.prod(sizes[-1]), n_clusters)

    def _image_shape(self, n_features: int) -> tuple[int, ...]:
        """Return (height, width, channels); raise InputError if they are unknown or do not fit the rows."""
        if self.image_shape is None:
            raise InputError(
                "imsat_affine is for pictures, and these rows are not known to be any: give their "
                "shape, as IMSATAffine(image_shape=(28, 28)) or dataset.image_shape=[28,28], or choose "
                "another base"
            )
        check_image_shape(self.image_shape, n_features)
        return (*self.image_shape, 1)[:3]

    def sample_noise(
        self, network: ConvolutionalNetwork, n_rows: int, n_supervised: int, generators: list[torch.Generator]
    ) -> list[Tensor]:
        """Return the numbers of each row's distortion, [M, n_rows, 6] for x and for each supervised input."""
        shape = (1 + n_supervised, n_rows, AFFINE_NUMBERS)
        return list(standard_normal(shape, generators, network.gamma[0]).unbind(1))

    def losses(self, network: ConvolutionalNetwork, batch: Batch) -> dict[str, Tensor]:
        """See `kingdra_repro.bases.base.Base.losses`."""
        inputs = zip([batch.x, *batch.supervised_inputs], batch.noise, strict=True)
        distorted = [self.distort(x, noise, network.image_shape) for x, noise in inputs]
        clean, perturbed, *supervised = network.encode([batch.x, *distorted])
        return with_total(
            {
                # The clean outputs are the target, as in IMSAT.
                "sat": (1.0, kl_divergence(clean.detach(), perturbed)),
                **self.output_terms(clean, supervised, batch),
            }
        )

    def output_terms(
        self, clean: Tensor, supervised: list[Tensor], batch: Batch
    ) -> dict[str, tuple[float, Tensor]]:
        """See `InformationMaximization.output_terms`."""
        later = self.mu if self.mu_later is None else self.mu_later
        mu = later if batch.every_output_supervised else self.mu
        return {"mi": (self.w_mi, mutual_information_loss(clean, mu)), **batch.supervised_terms(supervised)}

    def distort(self, x: Tensor, noise: Tensor, image_shape: tuple[int, ...]) -> Tensor:
        """Distort pictures [M, B, d] at random, by standard normal numbers [M, B, 6]."""
        largest = (math.radians(self.rotation), self.scaling, self.shear, self.shift)
        return affine_distortion(x, noise, image_shape, *largest)
