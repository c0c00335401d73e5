"""The contrastive KL loss of all pairs of a mini-batch, computed as one matrix without a list of pairs.

Source: the second document (Baboota, "Semi Supervised Clustering"), Eqs. 7 and 13 to 17, after Hsu and Kira
(2015), arXiv 1511.06321, who introduced the loss with a margin of 2 and pairs that meet only in the loss.
"""

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, relu

ALIKE, UNLIKE, UNKNOWN = 1, -1, 0  # entries of a matrix of relations, as in Hsu and Kira's code
MARGIN = 2.0  # in nats, as in Hsu and Kira


def log_assignment(z: Tensor, centres: Tensor) -> Tensor:
    """Compute log p [B, k] of codes [B, c] from squared distances to centres [k, c] (Eqs. 13 and 14).

    p_ik = exp(-d_ik) / sum_k' exp(-d_ik'),    d_ik = ||z_i - mu_k||^2
    """
    return log_softmax(-squared_distances(z, centres), dim=1)


def squared_distances(z: Tensor, centres: Tensor) -> Tensor:
    """Compute d_ik = ||z_i - mu_k||^2 of codes [B, c] and centres [k, c]: [B, k]."""
    return (z[:, None] - centres).square().sum(2)


def relations(classes: Tensor) -> Tensor:
    """Compute the relations of all pairs, int8 [B, B], from the classes [B] of the points (Eqs. 9 to 12).

    `ALIKE` for points of the same class, `UNLIKE` for points of different classes, `UNKNOWN` if a class is
    unknown (-1) and on the diagonal.
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
    """Compute the mean over pairs of Loss(p || q) + Loss(q || p); 0 if there are no pairs (Eqs. 15 to 17).

        Loss(p || q) = KL(p || q)                   of an alike pair
                       max(0, margin - KL(p || q))  of an unlike pair

    Parameters
    ----------
    log_p : Tensor [..., B, k], log assignment probabilities, optionally of a stack of models
    relation : Tensor [..., B, B], symmetric, with entries `ALIKE`, `UNLIKE` and `UNKNOWN`
    margin : float
    balance : {"pairs", "kinds"}
        "pairs": the mean over all pairs, as in the document; "kinds": the sum of the mean over alike pairs
        and the mean over unlike pairs, as in its public code. With 10 classes, alike pairs weigh nearly ten
        times as much with "kinds" as with "pairs".
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
    # Each pair has two entries in the matrix, one per direction; the factor 2 turns their mean into the sum.
    if balance == "pairs":
        return 2 * _mean(loss, alike | unlike)
    return 2 * (_mean(loss, alike) + _mean(loss, unlike))


def _mean(loss: Tensor, counted: Tensor) -> Tensor:
    return torch.where(counted, loss, 0).flatten(-2).sum(-1) / counted.sum((-2, -1)).clamp(min=1)
