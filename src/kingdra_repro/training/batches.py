"""Which rows go into which batch: the unsupervised order and the balanced supervised streams."""

import itertools
from collections.abc import Sequence

import numpy as np

from kingdra_repro.training.seeds import Purpose, numpy_stream


def batch_slices(n: int, batch_size: int) -> list[slice]:
    """Split n >= 2 rows into round(n / batch_size) batches whose sizes differ by at most one.

    There are fewer batches if one would have a single row. The public code leaves the remainder as a last
    small batch, but a few rows give no useful batch-norm moments.
    """
    n_batches = max(1, min(round(n / batch_size), n // 2))
    edges = [n * i // n_batches for i in range(n_batches + 1)]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


def repeated_permutations(rows: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw ``size`` rows by repeated permutations of all rows, so that their counts differ by at most one."""
    drawn = [rng.permutation(rows) for _ in range(-(-size // len(rows)))]
    return np.concatenate(drawn)[:size]


def unsupervised_order(n: int, order: str, seed: int, member: int, epoch: int, part: int = 0) -> np.ndarray:
    """Return the order [n] in which a member sees the rows in one epoch, or in one part of an epoch.

    ``file``: file order (as in the public code without pseudo-labels); ``once``: shuffled once per member;
    ``epoch``: reshuffled in every epoch.
    """
    if order == "file":
        return np.arange(n)
    return numpy_stream(seed, member, Purpose.ORDER, 0 if order == "once" else epoch, part).permutation(n)


def supervised_order(
    mini_clusters: Sequence[np.ndarray], n: int, seed: int, member: int, epoch: int, part: int = 0
) -> np.ndarray:
    """Draw n pseudo-labelled rows for a member's epoch, equally many from each mini-cluster, shuffled.

    ``mini_clusters`` holds the row indices of each mini-cluster; none is empty. As in the public code, the
    mini-clusters take turns until n rows are drawn, so that classes are balanced. Each mini-cluster cycles
    through its own rows in an order that is redrawn in every epoch; the public code always starts with its
    first n / k rows and never uses the others.
    """
    rng = numpy_stream(seed, member, Purpose.SUPERVISED, epoch, part)
    k = len(mini_clusters)
    shares = []
    for c, rows in enumerate(mini_clusters):
        share = n // k + (c < n % k)
        shares.append(np.resize(rng.permutation(rows), share))
    return rng.permutation(np.concatenate(shares))


def linked_order(pairs: np.ndarray, n: int, seed: int, member: int, epoch: int, part: int = 0) -> np.ndarray:
    """Draw n points of linked pairs [m, 2] for a member's epoch; the two points of a pair are adjacent.

    A batch boundary at an odd position splits a pair.
    """
    rng = numpy_stream(seed, member, Purpose.LINKED, epoch, part)
    return repeated_permutations(pairs, -(-n // 2), rng).reshape(-1)[:n]


def block_order(n_blocks: int, n_parts: int, shuffled: bool, seed: int, epoch: int) -> list[np.ndarray]:
    """Assign the blocks of a file to the parts of an epoch, once for all members, so that each is read once.

    The blocks of a part, an int64 array, are in file order; each member orders the rows within the part.
    """
    order = np.arange(n_blocks)
    if shuffled:
        order = numpy_stream(seed, 0, Purpose.BLOCKS, epoch).permutation(n_blocks)
    return [np.sort(part) for part in np.array_split(order, n_parts)]


def subsample_mini_clusters(
    mini_clusters: Sequence[np.ndarray], max_rows: int, seed: int, epoch: int
) -> Sequence[np.ndarray]:
    """Subsample mini-clusters to about ``max_rows`` rows in total; keep all rows if there are no more.

    All mini-clusters get equal shares of at least one row; small ones keep all their rows.
    """
    if sum(map(len, mini_clusters)) <= max_rows:
        return mini_clusters
    rng, share = numpy_stream(seed, 0, Purpose.KEPT, epoch), max(1, max_rows // len(mini_clusters))
    return [rng.permutation(rows)[:share] for rows in mini_clusters]
