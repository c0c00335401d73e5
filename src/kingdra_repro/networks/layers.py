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
    deviations and rescaled to the wanted variance, as later versions of Keras do; 2.1.4, which the public
    code asks for, does not rescale, so that its weights have 0.88 of this standard deviation. Model i draws
    from ``generators[i]`` alone, on the CPU, so that its weights depend neither on the other models nor on
    the device.
    """
    # .87962566 is the standard deviation of a standard normal truncated to [-2, 2].
    std = (2.0 / (n_in + n_out)) ** 0.5 / 0.87962566103423978
    weights = torch.empty(n_models, n_in, n_out)
    for weight, generator in zip(weights, generators, strict=True):
        torch.nn.init.trunc_normal_(weight, std=std, a=-2 * std, b=2 * std, generator=generator)
    return weights


def lecun_normal(n_in: int, n_out: int, scale: float, generators: list[torch.Generator]) -> Tensor:
    """Weights [M, n_in, n_out], normal with variance scale / n_in.

    Chainer's default with ``wscale=scale``, which IMSAT's public code uses. Model i draws from
    ``generators[i]`` alone, on the CPU.
    """
    std = (scale / n_in) ** 0.5
    return torch.stack([torch.empty(n_in, n_out).normal_(std=std, generator=g) for g in generators])


class _BatchNormalize(torch.autograd.Function):
    """The derivative in closed form: a third of the memory traffic of differentiating each operation."""

    @staticmethod
    def forward(ctx, z: Tensor) -> Tensor:
        # Not torch.var_mean: over any axis but the last it takes forty times as long on a CPU.
        centred = z - z.mean(-2, keepdim=True)
        inverse_std = torch.rsqrt(centred.square().mean(-2, keepdim=True) + BATCH_NORM_EPSILON)
        normalized = centred.mul_(inverse_std)
        ctx.save_for_backward(normalized, inverse_std)
        return normalized

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        normalized, inverse_std = ctx.saved_tensors
        along = (grad * normalized).mean(-2, keepdim=True)
        return (grad - grad.mean(-2, keepdim=True)).addcmul_(normalized, along, value=-1).mul_(inverse_std)


def batch_normalize(z: Tensor) -> Tensor:
    """z [..., batch, d] with mean 0 and variance 1 (biased) over each batch: the public code's formula."""
    return _BatchNormalize.apply(z)


class _GaussianCombinator(torch.autograd.Function):
    """The derivative by hand, for the same reason: each intermediate is read once."""

    @staticmethod
    def forward(ctx, z_noisy: Tensor, u: Tensor, a: Tensor) -> Tensor:
        a1, a2, a3, a4, a5, a6, a7, a8, a9, a10 = a.unsqueeze(2).unbind(1)
        sigmoid_mu = torch.addcmul(a3, a2, u).sigmoid_()
        sigmoid_v = torch.addcmul(a8, a7, u).sigmoid_()
        mu = torch.addcmul(a5, a4, u).addcmul_(a1, sigmoid_mu)
        v = torch.addcmul(a10, a9, u).addcmul_(a6, sigmoid_v)
        difference = z_noisy - mu
        ctx.save_for_backward(u, a, sigmoid_mu, sigmoid_v, difference, v)
        return mu.addcmul_(difference, v)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        u, a, sigmoid_mu, sigmoid_v, difference, v = ctx.saved_tensors
        a1, a2, _, a4, _, a6, a7, _, a9, _ = a.unsqueeze(2).unbind(1)
        grad_z = grad * v
        grad_mu = grad - grad_z
        grad_v = difference * grad
        through_mu = (sigmoid_mu - sigmoid_mu.square()).mul_(grad_mu)
        through_v = (sigmoid_v - sigmoid_v.square()).mul_(grad_v)
        grad_u = torch.mul(a4, grad_mu).addcmul_(a9, grad_v)
        grad_u.addcmul_(a1 * a2, through_mu).addcmul_(a6 * a7, through_v)

        def batch_sum(x: Tensor, y: Tensor | None = None) -> Tensor:
            return x.sum(-2) if y is None else (x * y).sum(-2)

        b1, b6 = a[:, 0], a[:, 5]
        grad_a = [
            batch_sum(grad_mu, sigmoid_mu),
            batch_sum(through_mu, u) * b1,
            batch_sum(through_mu) * b1,
            batch_sum(grad_mu, u),
            batch_sum(grad_mu),
            batch_sum(grad_v, sigmoid_v),
            batch_sum(through_v, u) * b6,
            batch_sum(through_v) * b6,
            batch_sum(grad_v, u),
            batch_sum(grad_v),
        ]
        return grad_z, grad_u, torch.stack(grad_a, dim=1)


def gaussian_combinator(z_noisy: Tensor, u: Tensor, a: Tensor) -> Tensor:
    """The denoised z of a layer, (z_noisy - mu) v + mu: Rasmus et al. (2015), Eq. 2 and 3, with

        mu = a1 sigmoid(a2 u + a3) + a4 u + a5,    v = a6 sigmoid(a7 u + a8) + a9 u + a10.

    Parameters
    ----------
    z_noisy : Tensor [M, B, d], the lateral connection
    u : Tensor [M, B, d], the batch-normalised signal from the layer above
    a : Tensor [M, 10, d], the parameters a1 to a10 of each unit

    Returns
    -------
    Tensor [M, B, d]
    """
    return _GaussianCombinator.apply(z_noisy, u, a)
