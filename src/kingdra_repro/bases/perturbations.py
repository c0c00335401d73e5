"""Small changes of the inputs that the outputs should not follow: those of IMSAT (Hu et al. 2017)."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from kingdra_repro.objectives import kl_divergence

AFFINE_NUMBERS = 6  # that a distortion is made of


def unit_rows(v: Tensor) -> Tensor:
    """Rows of v [..., d] scaled to length 1; zeros stay zeros.

    The largest entry is made 1 first: the squares of gradients as small as 1e-20 would vanish in float32.
    """
    tiny = torch.finfo(v.dtype).tiny
    v = v / v.abs().amax(-1, keepdim=True).clamp_min(tiny)
    return v / v.norm(dim=-1, keepdim=True).clamp_min(tiny)


def random_perturbation(noise: Tensor, radius: Tensor) -> Tensor:
    """RPT: a random direction of length radius [M, B], from standard normal noise [M, B, d]."""
    return radius.unsqueeze(-1) * unit_rows(noise)


def virtual_adversarial_perturbation(
    outputs: Callable[[Tensor], Tensor], x: Tensor, noise: Tensor, radius: Tensor, xi: float
) -> Tensor:
    """VAT: the direction of length radius in which the outputs change most (Miyato et al. 2016).

    It is the gradient of KL(p(x) || p(x + r)) at r = xi * (a random unit vector): one step of the power
    iteration for the first eigenvector of the divergence's second derivative at r = 0.

    Parameters
    ----------
    outputs : from inputs [M, B, d] to logits [M, B, k]
    x, noise : Tensor [M, B, d]
    radius : Tensor [M, B]

    Returns
    -------
    Tensor [M, B, d], not differentiated
    """
    with torch.no_grad():
        clean = outputs(x)
    r = (xi * unit_rows(noise)).requires_grad_()
    divergence = kl_divergence(clean, outputs(x + r))
    (gradient,) = torch.autograd.grad(divergence.sum(), r)
    return radius.unsqueeze(-1) * unit_rows(gradient)


def affine_distortion(
    x: Tensor,
    noise: Tensor,
    image_shape: tuple[int, ...],
    rotation: float,
    scaling: float,
    shear: float,
    shift: float,
) -> Tensor:
    """Turn, scale, shear and move each picture of x by amounts of its own, uniform up to the largest.

    What comes in from outside the picture is 0; values between pixels are bilinear.

    Parameters
    ----------
    x : Tensor [M, B, height * width * channels]
    noise : Tensor [M, B, 6], standard normal
    image_shape : (height, width, channels)
    rotation : in radians
    scaling, shear : see `kingdra_repro.bases.IMSATAffine`
    shift : by this fraction of the height and of the width
    """
    uniform = torch.erf(noise / math.sqrt(2))  # from -1 to 1
    angle, wider, higher, slant, right, down = uniform.flatten(0, 1).unbind(-1)
    cos, sin = (rotation * angle).cos(), (rotation * angle).sin()
    wider, higher, slant = 1 + scaling * wider, 1 + scaling * higher, shear * slant
    # Where each place of the new picture comes from, in half heights and widths.
    place_x = torch.stack([wider * cos, wider * (slant * cos - sin), 2 * shift * right], dim=-1)
    place_y = torch.stack([higher * sin, higher * (slant * sin + cos), 2 * shift * down], dim=-1)
    height, width, _ = image_shape
    if height != width:  # angles and shears are those of pixels
        place_x[:, 1] *= height / width
        place_y[:, 0] *= width / height
    pictures = x.reshape(-1, *image_shape).movedim(-1, 1)
    grid = affine_grid(torch.stack([place_x, place_y], dim=1), list(pictures.shape), align_corners=False)
    return grid_sample(pictures, grid, align_corners=False).movedim(1, -1).reshape(x.shape)
