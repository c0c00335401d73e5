"""Small changes of the inputs that the outputs should not follow: RPT and VAT of IMSAT (Hu et al. 2017)."""

from collections.abc import Callable

import torch
from torch import Tensor

from kingdra_repro.objectives import kl_divergence


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
    xi : 10 in IMSAT's public code

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
