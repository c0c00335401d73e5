"""The contrastive KL loss of all pairs of a mini-batch: one matrix, no list of pairs.

The second document (Baboota, "Semi Supervised Clustering"), Eqs. 7 and 13 to 17; after Hsu and Kira (2015),
arXiv 1511.06321, who introduced the loss with a margin of 2 and pairs that meet in the loss alone.
"""

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, relu

ALIKE, UNLIKE, UNKNOWN = 1, -1, 0  # entries of a matrix of relations, as in Hsu and Kira's code
MARGIN = 2.0  # in nats; Hsu and Kira's


def log_assignment(z: Tensor, centres: Tensor) -> Tensor:
    """Eqs. 13 and 14: log p [B, k] of codes [B, c] by their squared distances to centres [k, c].

    p_ik = exp(-d_ik) / sum_k' exp(-d_ik'),    d_ik = ||z_i - mu_k||^2
    """
    return log_softmax(-squared_distances(z, centres), dim=1)


def squared_distances(z: Tensor, centres: Tensor) -> Tensor:
    """d_ik = ||z_i - mu_k||^2 of codes [B, c] and centres [k, c]: [B, k]."""
    return (z[:, None] - centres).square().sum(2)


def relations(classes: Tensor) -> Tensor:
    """Eqs. 9 to 12: which pairs are alike, by the classes [B] of the points; int8 [B, B].

    `ALIKE` for points of one class, `UNLIKE` for points of two, `UNKNOWN` where a class is not known (-1),
    and for a point and itself.
    """
    known = classes >= 0
    same = classes[:, None] == classes
    relation = torch.where(same, ALIKE, UNLIKE).to(torch.int8)
    relation = torch.where(known[:, None] & known, relation, UNKNOWN)
    return relation.fill_diagonal_(UNKNOWN)


def pairwise_kl(log_p: Tensor) -> Tensor:
    """Eq. 7: KL(p_i || p_j) = sum_k p_ik log p_ik - sum_k p_ik log p_jk; [..., B, k] -> [..., B, B]."""
    p = log_p.exp()
    return (p * log_p).sum(-1, keepdim=True) - p @ log_p.mT


def pair_loss(
    log_p: Tensor,
    relation: Tensor,
    margin: float,
    balance: str,
    weight: Tensor | None = None,
) -> Tensor:
    """Eqs. 15 to 17: the mean over pairs of Loss(p || q) + Loss(q || p); 0 where there is no pair.

        Loss(p || q) = KL(p || q)                   of a pair that is alike
                       max(0, margin - KL(p || q))  of one that is not

    Parameters
    ----------
    log_p : Tensor [..., B, k], logarithms of the assignment probabilities, perhaps of a stack of models
    relation : Tensor [..., B, B], symmetric, of `ALIKE`, `UNLIKE` and `UNKNOWN`
    margin : float
    balance : {"pairs", "kinds"}
        "pairs": the mean over all pairs, as the document has it; "kinds": the means of alike and of unlike
        pairs, taken apart and added, as its public code has it. Of 10 classes the alike pairs weigh nearly
        ten times as much then.
    weight : Tensor [..., B, B], symmetric, or None
        How much each pair counts.

    Returns
    -------
    Tensor [...]
    """
    kl = pairwise_kl(log_p)
    alike, unlike = relation == ALIKE, relation == UNLIKE
    loss = torch.where(alike, kl, relu(margin - kl))
    if weight is not None:
        loss = weight * loss
    # A pair stands twice in the matrix, once for each direction: its two terms over its one count.
    if balance == "pairs":
        return 2 * _mean(loss, alike | unlike)
    return 2 * (_mean(loss, alike) + _mean(loss, unlike))


def _mean(loss: Tensor, counted: Tensor) -> Tensor:
    return torch.where(counted, loss, 0).flatten(-2).sum(-1) / counted.sum((-2, -1)).clamp(min=1)
