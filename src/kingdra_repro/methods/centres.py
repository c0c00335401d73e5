"""The centres of constrained clusters: where they begin, and how each mini-batch moves them.

The second document, Eqs. 18 to 20. A point moves its cluster's centre by mu <- mu - (mu - z) / N, where N is
the number of points that the centre has seen, this one included. One after the other, m points make of it

    mu' = (N mu + sum z) / (N + m),    N' = N + m,

exactly: the mean of all codes that it has seen. No loop is needed.
"""

import torch
from torch import Tensor


def class_means(z: Tensor, classes: Tensor, n_clusters: int) -> tuple[Tensor, Tensor]:
    """Eq. 18: the mean code of each class, [k, c], and the number of its points, [k].

    As printed the equation is the mean of all labelled points whatever the class; X_k^L is meant for X^L.

    Parameters
    ----------
    z : Tensor [n, c], codes
    classes : int64 Tensor [n], 0..k-1
    n_clusters : int, k
    """
    total, count = _sums(z, classes, n_clusters)
    return total / count.clamp(min=1)[:, None], count


def moved(centres: Tensor, count: Tensor, z: Tensor, assigned: Tensor) -> tuple[Tensor, Tensor]:
    """Eq. 19 or 20: the centres after points [m, c] of the clusters ``assigned`` [m], and the new counts.

    Parameters
    ----------
    centres : Tensor [k, c]
    count : Tensor [k], the points that each centre has seen
    z : Tensor [m, c]
    assigned : int64 Tensor [m], clusters 0..k-1

    Returns
    -------
    centres : Tensor [k, c], through which the codes get their gradient
    count : Tensor [k]
    """
    total, new = _sums(z, assigned, len(centres))
    later = count + new
    # mu' as above, in the form that keeps the digits of mu where N is large.
    return centres + (total - new[:, None] * centres) / later.clamp(min=1)[:, None], later


def _sums(z: Tensor, classes: Tensor, n_clusters: int) -> tuple[Tensor, Tensor]:
    """Sum of the codes and number of the points of each class; a product, whose order of adding is fixed."""
    member = torch.nn.functional.one_hot(classes, n_clusters).to(z.dtype)
    return member.T @ z, member.sum(0)
