"""The loss terms of the paper. Each takes stacked tensors [M, B, ...] and returns one value per model, [M].

Equation numbers are those of the Kingdra paper's appendix B. Docstrings state where the public code differs.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, softmax

_TINY = 1e-16  # added inside logarithms, as in the public code


def denoising_cost(z: list[Tensor], z_est: list[Tensor], costs: tuple[float, ...]) -> Tensor:
    """Compute Eq. 7: the weighted squared distance of clean and denoised z [M, B, d_l], summed over layers.

    As in the public code, each layer's term is divided by the batch size and by the layer's width.
    """
    terms = [
        cost * (z_est_l - z_l).square().mean(dim=(1, 2))
        for cost, z_l, z_est_l in zip(costs, z, z_est, strict=True)
    ]
    return torch.stack(terms).sum(0)


def mutual_information_loss(logits: Tensor, mu: float = 1.0) -> Tensor:
    """Compute H(Y|X) - mu H(Y) from logits [M, B, k]; with mu = 1 this is -I(X;Y), Eqs. 1, 6 and 9.

    H(Y) is the entropy of the batch's mean output. The public code, following IMSAT, uses mu = 4.
    """
    p = softmax(logits, dim=-1)
    conditional = -(p * torch.log(p + _TINY)).sum(-1).mean(-1)
    marginal = p.mean(dim=1)
    return conditional + mu * (marginal * torch.log(marginal + _TINY)).sum(-1)


def kl_divergence(logits_p: Tensor, logits_q: Tensor) -> Tensor:
    """Compute KL(p || q) from logits [M, B, k], averaged over the batch.

    In Eq. 10, p are the noisy outputs and q the clean ones; the public code swaps them.
    """
    p, q = softmax(logits_p, dim=-1), softmax(logits_q, dim=-1)
    return (p * (torch.log(p + _TINY) - torch.log(q + _TINY))).sum(-1).mean(-1)


class _SquaredLength(torch.autograd.Function):
    """A squared length with its gradient as one product; autograd's would read the parameter three times."""

    @staticmethod
    def forward(ctx, theta: Tensor) -> Tensor:
        ctx.save_for_backward(theta)
        return theta.square().flatten(1).sum(1)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        (theta,) = ctx.saved_tensors
        return (2 * grad).view(-1, *[1] * (theta.dim() - 1)) * theta


def squared_length(theta: Tensor) -> Tensor:
    """Compute ||theta||^2 of each model's parameters [M, ...]."""
    return _SquaredLength.apply(theta)


def dot_product_loss(logits: Tensor) -> Tensor:
    """Compute Eq. 12 from logits [M, B, k]: the mean of y_i . y_j over the pairs i != j of a batch.

    The outputs y = softmax(logits) are not normalised. With the pairs i = j included, the loss would be the
    squared length of the batch's mean output. Its minimum, 1/k, is reached by balanced one-hot outputs, but
    also by outputs that are all uniform. Without these pairs, balanced one-hot outputs have a lower loss, by
    about 1/B; nothing else in this loss keeps outputs apart.
    """
    y = softmax(logits, dim=-1)
    n = y.shape[1]
    all_pairs = y.sum(1).square().sum(-1)
    return (all_pairs - y.square().sum((1, 2))) / max(n * (n - 1), 1)


def normalized_dot_product_loss(logits: Tensor) -> Tensor:
    """Compute the mean squared difference between the cosines of all pairs of outputs and the identity.

    Outputs that are all equal, such as all uniform, have the largest possible loss, 1 - 1/B; balanced one-hot
    outputs have 1/k - 1/B.
    """
    y = softmax(logits, dim=-1)
    y = y / y.norm(dim=-1, keepdim=True)
    cosines = torch.bmm(y, y.mT)
    identity = torch.eye(y.shape[1], dtype=y.dtype, device=y.device)
    return (cosines - identity).square().mean(dim=(1, 2))


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Compute Eq. 8: -log p(y = target) from logits [M, B, k] and targets [M, B], averaged over the batch."""
    return -log_softmax(logits, dim=-1).gather(-1, target.unsqueeze(-1)).squeeze(-1).mean(-1)


def partial_label_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Compute the mean of -log (p(y = target | x) / p(y = target)): Eq. 8 for when some classes lack labels.

    p(y) is the mean output of the batch. Points without a label (target -1) represent the other classes in
    p(y) and add 0 to the loss. Cross entropy alone would fall if all points got the classes that have labels.
    """
    log_p = log_softmax(logits, dim=-1)
    log_mean = log_p.logsumexp(1, keepdim=True) - math.log(logits.shape[1])
    information = (log_p - log_mean).gather(-1, target.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return -torch.where(target >= 0, information, 0).mean(-1)
