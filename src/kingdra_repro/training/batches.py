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


def unsupervised_order(n: int, order: str, seed: int, member: int, epoch: int, part: int = 0) -> np.ndarray:
    """Return the order [n] in which a member sees the rows in one epoch, or in a part of one.

    ``file``: as they come (what the public code does without pseudo-labels); ``once``: shuffled once for each
    member; ``epoch``: shuffled again in each epoch.
    """
    if order == "file":
        return np.arange(n)
    return numpy_stream(seed, member, Purpose.ORDER, 0 if order == "once" else epoch, part).permutation(n)


def supervised_order(
    mini_clusters: Sequence[np.ndarray], n: int, seed: int, member: int, epoch: int, part: int = 0
) -> np.ndarray:
    """Draw n pseudo-labelled rows for a member's epoch, equally many of each mini-cluster, shuffled.

    Of the mini-clusters the row numbers are given; none is empty.
    As in the public code the mini-clusters take turns until as many rows as the set has are drawn, so that
    classes are balanced. Each goes round its own points in an order drawn again in each epoch; the public
    code always begins with the first n / k of them, and never shows the others.
    """
    rng = numpy_stream(seed, member, Purpose.SUPERVISED, epoch, part)
    k = len(mini_clusters)
    shares = []
    for c, rows in enumerate(mini_clusters):
        share = n // k + (c < n % k)
        shares.append(np.resize(rng.permutation(rows), share))
    return rng.permutation(np.concatenate(shares))


def linked_order(pairs: np.ndarray, n: int, seed: int, member: int, epoch: int, part: int = 0) -> np.ndarray:
    """Draw n points of linked pairs [m, 2] for a member's epoch: the two of a pair come one after the other.

    A batch of an odd number of points has one pair that is cut.
    """
    rng = numpy_stream(seed, member, Purpose.LINKED, epoch, part)
    return rounds(pairs, -(-n // 2), rng).reshape(-1)[:n]


def block_order(n_blocks: int, n_parts: int, shuffled: bool, seed: int, epoch: int) -> list[np.ndarray]:
    """Deal the blocks of a file out to the parts of an epoch; the same for all members, which read them once.

    Those of a part, an int64 array, are in the order of the file: each member has its own order within it.
    """
    order = np.arange(n_blocks)
    if shuffled:
        order = numpy_stream(seed, 0, Purpose.BLOCKS, epoch).permutation(n_blocks)
    return [np.sort(part) for part in np.array_split(order, n_parts)]


def fewer(mini_clusters: Sequence[np.ndarray], most: int, seed: int, epoch: int) -> Sequence[np.ndarray]:
    """Take at most so many rows of mini-clusters, equally many of each but for small ones; else all."""
    if sum(map(len, mini_clusters)) <= most:
        return mini_clusters
    rng, share = numpy_stream(seed, 0, Purpose.KEPT, epoch), max(1, most // len(mini_clusters))
    return [rng.permutation(rows)[:share] for rows in mini_clusters]
