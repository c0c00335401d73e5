"""Small perturbations that the outputs should be invariant to, as in IMSAT (Hu et al. 2017)."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from kingdra_repro.objectives import kl_divergence

AFFINE_NUMBERS = 6  # random numbers per distortion


def unit_rows(v: Tensor) -> Tensor:
    """Scale the rows of v [..., d] to length 1; rows of zeros stay zeros.

    The largest entry is scaled to 1 first: the squares of gradients as small as 1e-20 would underflow in
    float32.
    """
    tiny = torch.finfo(v.dtype).tiny
    v = v / v.abs().amax(-1, keepdim=True).clamp_min(tiny)
    return v / v.norm(dim=-1, keepdim=True).clamp_min(tiny)


def random_perturbation(noise: Tensor, radius: Tensor) -> Tensor:
    """Compute RPT: random directions of length radius [M, B], from standard normal noise [M, B, d]."""
    return radius.unsqueeze(-1) * unit_rows(noise)


def virtual_adversarial_perturbation(
    outputs: Callable[[Tensor], Tensor], x: Tensor, noise: Tensor, radius: Tensor, xi: float
) -> Tensor:
    """Compute VAT: vectors of length radius along which the outputs change most (Miyato et al. 2016).

    The direction is the gradient of KL(p(x) || p(x + r)) at r = xi * (a random unit vector). This is one step
    of power iteration for the first eigenvector of the divergence's Hessian at r = 0.

    Parameters
    ----------
    outputs : function from inputs [M, B, d] to logits [M, B, k]
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
    """Rotate, scale, shear and shift each picture of x by random amounts, uniform up to the given maxima.

    Pixels taken from outside the picture are 0; values between pixels are interpolated bilinearly.

    Parameters
    ----------
    x : Tensor [M, B, height * width * channels]
    noise : Tensor [M, B, 6], standard normal
    image_shape : (height, width, channels)
    rotation : largest angle, in radians
    scaling, shear : see `kingdra_repro.bases.IMSATAffine`
    shift : largest shift, as a fraction of the height and of the width
    """
    uniform = torch.erf(noise / math.sqrt(2))  # in -1..1
    angle, wider, higher, slant, right, down = uniform.flatten(0, 1).unbind(-1)
    cos, sin = (rotation * angle).cos(), (rotation * angle).sin()
    wider, higher, slant = 1 + scaling * wider, 1 + scaling * higher, shear * slant
    # The source of each pixel of the new picture, in units of half the height and half the width.
    place_x = torch.stack([wider * cos, wider * (slant * cos - sin), 2 * shift * right], dim=-1)
    place_y = torch.stack([higher * sin, higher * (slant * sin + cos), 2 * shift * down], dim=-1)
    height, width, _ = image_shape
    if height != width:  # angles and shears are measured in pixels
        place_x[:, 1] *= height / width
        place_y[:, 0] *= width / height
    pictures = x.reshape(-1, *image_shape).movedim(-1, 1)
    grid = affine_grid(torch.stack([place_x, place_y], dim=1), list(pictures.shape), align_corners=False)
    return grid_sample(pictures, grid, align_corners=False).movedim(1, -1).reshape(x.shape)
