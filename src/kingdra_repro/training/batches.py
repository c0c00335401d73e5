"""Which rows go into which batch: the unsupervised order and the balanced supervised stream."""

import itertools
from collections.abc import Sequence

import numpy as np

from kingdra_repro.training.seeds import Purpose, numpy_stream


def batch_slices(n: int, batch_size: int) -> list[slice]:
    """Cut n rows into round(n / batch_size) batches of sizes that differ by one at most, none of one row.

    The public code leaves the remainder as a last small batch; one of a few rows would have no batch-norm
    moments to speak of.
    """
    n_batches = max(1, min(round(n / batch_size), n // 2))
    edges = [n * i // n_batches for i in range(n_batches + 1)]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


def rounds(rows: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw ``size`` rows, each equally often but for one, in an order drawn again in each round."""
    drawn = [rng.permutation(rows) for _ in range(-(-size // len(rows)))]
    return np.concatenate(drawn)[:size]


def unsupervised_order(n: int, order: str, seed: int, member: int, epoch: int) -> np.ndarray:
    """Return the order [n] in which a member sees the rows in one epoch.

    ``file``: as they come (what the public code does without pseudo-labels); ``once``: shuffled once for each
    member; ``epoch``: shuffled again in each epoch.
    """
    if order == "file":
        return np.arange(n)
    return numpy_stream(seed, member, Purpose.ORDER, 0 if order == "once" else epoch).permutation(n)


def supervised_order(
    mini_clusters: Sequence[np.ndarray], n: int, seed: int, member: int, epoch: int
) -> np.ndarray:
    """Draw n pseudo-labelled rows for a member's epoch, equally many of each mini-cluster, shuffled.

    As in the public code the mini-clusters take turns until as many rows as the set has are drawn, so that
    classes are balanced. Each goes round its own points in an order drawn again in each epoch; the public
    code always begins with the first n / k of them, and never shows the others.

    Parameters
    ----------
    mini_clusters : the row numbers of each; none is empty
    n : rows to draw
    """
    rng = numpy_stream(seed, member, Purpose.SUPERVISED, epoch)
    k = len(mini_clusters)
    shares = []
    for c, rows in enumerate(mini_clusters):
        share = n // k + (c < n % k)
        shares.append(np.resize(rng.permutation(rows), share))
    return rng.permutation(np.concatenate(shares))


def linked_order(pairs: np.ndarray, n: int, seed: int, member: int, epoch: int) -> np.ndarray:
    """Draw n points of linked pairs [m, 2] for a member's epoch: the two of a pair come one after the other.

    A batch of an odd number of points has one pair that is cut.
    """
    rng = numpy_stream(seed, member, Purpose.LINKED, epoch)
    return rounds(pairs, -(-n // 2), rng).reshape(-1)[:n]
