"""The layers of a stack: M models of one shape side by side, their parameters along a leading axis.

Everything here is elementwise in the model axis, so that model i of a stack computes what it would
compute alone.
"""

import torch
from torch import Tensor

BATCH_NORM_EPSILON = 1e-10  # the public code's; small enough to leave features of tiny variance alone


def glorot_normal(n_models: int, n_in: int, n_out: int, generators: list[torch.Generator]) -> Tensor:
    """Weights [M, n_in, n_out], normal with variance 2 / (n_in + n_out), cut at two deviations.

    Keras's ``glorot_normal``, which the public code uses: a normal distribution truncated at two standard
    deviations and rescaled to the wanted variance. Model i draws from ``generators[i]`` alone, on the
    CPU, so that its weights depend neither on the other models nor on the device.
    """
    # .87962566 is the standard deviation of a standard normal truncated to [-2, 2].
    std = (2.0 / (n_in + n_out)) ** 0.5 / 0.87962566103423978
    weights = torch.empty(n_models, n_in, n_out)
    for weight, generator in zip(weights, generators, strict=True):
        torch.nn.init.trunc_normal_(weight, std=std, a=-2 * std, b=2 * std, generator=generator)
    return weights


class _Product(torch.autograd.Function):
    """x W in bfloat16, forward and backward, between float32 tensors."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor) -> Tensor:
        x, weight = x.bfloat16(), weight.bfloat16()
        ctx.save_for_backward(x, weight)
        return torch.bmm(x, weight).float()

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor]:
        x, weight = ctx.saved_tensors
        grad = grad.bfloat16()
        grad_x = torch.bmm(grad, weight.mT).float() if ctx.needs_input_grad[0] else None
        return grad_x, torch.bmm(x.mT, grad).float()


def product(x: Tensor, weight: Tensor, precision: str = "float32") -> Tensor:
    """The matrix product of each model: [M, ..., n_in] x [M, n_in, n_out] -> [M, ..., n_out].

    All axes between the first and the last are rows, so that several passes read the weights once.
    With ``precision="bfloat16"`` the factors are rounded to bfloat16 and so is the result; sums inside
    the product, and everything outside, stay float32.
    """
    rows = x.reshape(x.shape[0], -1, x.shape[-1])
    out = _Product.apply(rows, weight) if precision == "bfloat16" else torch.bmm(rows, weight)
    return out.reshape(*x.shape[:-1], weight.shape[-1])


def batch_normalize(z: Tensor) -> Tensor:
    """z [..., batch, d] with mean 0 and variance 1 (biased) over each batch: the public code's formula."""
    var, mean = torch.var_mean(z, dim=-2, correction=0, keepdim=True)
    return (z - mean) * torch.rsqrt(var + BATCH_NORM_EPSILON)


def gaussian_combinator(z_noisy: Tensor, u: Tensor, a: Tensor) -> Tensor:
    """The denoised z of a layer: Rasmus et al. (2015), Eq. 2 and 3.

    Parameters
    ----------
    z_noisy : Tensor [M, B, d], the lateral connection
    u : Tensor [M, B, d], the batch-normalised signal from the layer above
    a : Tensor [M, 10, d], the parameters a1 to a10 of each unit

    Returns
    -------
    Tensor [M, B, d]
    """
    a1, a2, a3, a4, a5, a6, a7, a8, a9, a10 = a.unsqueeze(2).unbind(1)
    mu = a1 * torch.sigmoid(a2 * u + a3) + a4 * u + a5
    v = a6 * torch.sigmoid(a7 * u + a8) + a9 * u + a10
    return (z_noisy - mu) * v + mu
