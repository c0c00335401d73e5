"""The terms of the losses, as in the paper. Each takes a stack [M, B, ...] and returns a value a model, [M].

Equation numbers are those of the Kingdra paper's appendix B; where the public code differs it is said.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, softmax

_TINY = 1e-16  # inside logarithms, as in the public code


def denoising_cost(z: list[Tensor], z_est: list[Tensor], costs: tuple[float, ...]) -> Tensor:
    """Eq. 7: the weighted squared distance of the clean z [M, B, d_l] and the denoised one, over all layers.

    As in the public code each layer's term is divided by the batch size and by the layer's width.
    """
    terms = [
        cost * (z_est_l - z_l).square().mean(dim=(1, 2))
        for cost, z_l, z_est_l in zip(costs, z, z_est, strict=True)
    ]
    return torch.stack(terms).sum(0)


def mutual_information_loss(logits: Tensor, mu: float = 1.0) -> Tensor:
    """H(Y|X) - mu H(Y) of outputs [M, B, k]: with mu = 1 this is -I(X;Y), Eq. 1, 6 and 9.

    H(Y) is the entropy of the batch's mean output. The public code, after IMSAT, uses mu = 4.
    """
    p = softmax(logits, dim=-1)
    conditional = -(p * torch.log(p + _TINY)).sum(-1).mean(-1)
    marginal = p.mean(dim=1)
    return conditional + mu * (marginal * torch.log(marginal + _TINY)).sum(-1)


def kl_divergence(logits_p: Tensor, logits_q: Tensor) -> Tensor:
    """KL(p || q) of outputs [M, B, k], averaged over the batch.

    Eq. 10 has the noisy outputs as p and the clean ones as q; the public code has them the other way round.
    """
    p, q = softmax(logits_p, dim=-1), softmax(logits_q, dim=-1)
    return (p * (torch.log(p + _TINY) - torch.log(q + _TINY))).sum(-1).mean(-1)


class _SquaredLength(torch.autograd.Function):
    """The derivative as one product: those of a square and a sum read the parameter three times."""

    @staticmethod
    def forward(ctx, theta: Tensor) -> Tensor:
        ctx.save_for_backward(theta)
        return theta.square().flatten(1).sum(1)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        (theta,) = ctx.saved_tensors
        return (2 * grad).view(-1, *[1] * (theta.dim() - 1)) * theta


def squared_length(theta: Tensor) -> Tensor:
    """||theta||^2 of the parameters [M, ...] of each model."""
    return _SquaredLength.apply(theta)


def dot_product_loss(logits: Tensor) -> Tensor:
    """Eq. 12 on raw outputs [M, B, k]: the mean of y_i . y_j over the pairs i != j of a batch.

    Were the pairs i = j in it, this would be the squared length of the batch's mean output, whose minimum 1/k
    outputs that are all uniform reach just as balanced one-hot outputs do. Without them the latter have less,
    by about 1/B: that is all that keeps outputs apart.
    """
    y = softmax(logits, dim=-1)
    n = y.shape[1]
    all_pairs = y.sum(1).square().sum(-1)
    return (all_pairs - y.square().sum((1, 2))) / max(n * (n - 1), 1)


def normalized_dot_product_loss(logits: Tensor) -> Tensor:
    """Compute the mean squared difference of the cosines of all pairs and the identity.

    Outputs that are all alike, uniform ones too, have the largest value there is, 1 - 1/B; balanced one-hot
    outputs have 1/k - 1/B.
    """
    y = softmax(logits, dim=-1)
    y = y / y.norm(dim=-1, keepdim=True)
    cosines = torch.bmm(y, y.mT)
    identity = torch.eye(y.shape[1], dtype=y.dtype, device=y.device)
    return (cosines - identity).square().mean(dim=(1, 2))


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Eq. 8: -log p(y = target) of outputs [M, B, k] and classes [M, B], averaged over the batch."""
    return -log_softmax(logits, dim=-1).gather(-1, target.unsqueeze(-1)).squeeze(-1).mean(-1)


def some_classes_loss(logits: Tensor, target: Tensor) -> Tensor:
    """-log (p(y = target | x) / p(y = target)), averaged over a batch: Eq. 8 where some classes lack labels.

    p(y) is the mean over the batch, in which points without a class, -1, stand for the other classes; they
    add 0. Cross entropy alone would fall by giving all points the classes that are there.
    """
    log_p = log_softmax(logits, dim=-1)
    log_mean = log_p.logsumexp(1, keepdim=True) - math.log(logits.shape[1])
    information = (log_p - log_mean).gather(-1, target.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return -torch.where(target >= 0, information, 0).mean(-1)
