"""Signatures: the signature of a point is the predictions of all models for it.

Whether two points have an edge depends on their signatures alone, so the graph on n points is a weighted
graph on u <= n distinct signatures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_INT64 = 2**63


@dataclass(frozen=True)
class Signatures:
    """The distinct columns of predictions [n_models, n], and the points that have them.

    Points of one signature are interchangeable, except for their index (which breaks ties), and for being a
    source or not. A source is a point that has outgoing strong positive edges.

    Attributes
    ----------
    columns : integer tensor [n_models, u], the distinct signatures, in the smallest dtype that holds them
    of_point : int64 tensor [n], the signature of each point
    n_points : int64 tensor [u], the number of points with this signature, at least one
    n_sources : int64 tensor [u], the number of sources among these points
    first_source : int64 tensor [u], the lowest index of a source, n if there is none
    """

    columns: Tensor
    of_point: Tensor
    n_points: Tensor
    n_sources: Tensor
    first_source: Tensor

    @classmethod
    def of(cls, predictions: Tensor, sources: Tensor | None) -> "Signatures":
        """Find the signatures of predictions, integers >= 0 [n_models, n].

        ``sources`` is bool [n], or None if all points are sources.
        """
        n = predictions.shape[1]
        of_point = number_signatures(predictions)
        n_points = torch.bincount(of_point)
        index = torch.arange(n, device=predictions.device)
        lowest = _lowest(index, of_point, len(n_points), n)
        if sources is None:
            n_sources, first_source = n_points, lowest
        else:
            n_sources = torch.bincount(of_point[sources], minlength=len(n_points))
            first_source = _lowest(index[sources], of_point[sources], len(n_points), n)
        return cls(_smallest_type(predictions[:, lowest]), of_point, n_points, n_sources, first_source)


def number_signatures(columns: Tensor | Sequence[Tensor]) -> Tensor:
    """Return the number, 0..u-1 in lexicographic order, of each point's signature: int64 [n].

    Columns are the predictions >= 0 of each model, [n]. The predictions for a point are the digits of one
    integer. Before it overflows 64 bits (as with 100 clusters and 10 models), it is replaced by its rank.
    """
    code, _ = fold(columns)
    return torch.unique(code, return_inverse=True)[1]


def fold(columns: Tensor | Sequence[Tensor]) -> tuple[Tensor, int]:
    """Return numbers as `number_signatures` does, but with gaps, int64 [n], and an exclusive upper bound."""
    code, size = _bounded(columns[0])
    for column in columns[1:]:
        digit, base = _bounded(column)
        if size * base >= _INT64:
            code, size = _ranks(code)
        code = torch.add(digit, code, alpha=base)
        size *= base
    return code, size


def _bounded(column: Tensor) -> tuple[Tensor, int]:
    """Return a column as int64, and an exclusive upper bound of its labels, at most 2**31 or n."""
    size = int(column.max()) + 1
    return (column.long(), size) if size <= 2**31 else _ranks(column)


def _ranks(code: Tensor) -> tuple[Tensor, int]:
    values, ranks = torch.unique(code, return_inverse=True)
    return ranks, len(values)


def _lowest(index: Tensor, group: Tensor, n_groups: int, missing: int) -> Tensor:
    lowest = torch.full((n_groups,), missing, device=index.device)
    return lowest.scatter_reduce_(0, group, index, "amin")


def _smallest_type(columns: Tensor) -> Tensor:
    """Convert to the smallest dtype that holds the labels: large graphs spend their time comparing them.

    Labels [n_models, u] far beyond u are replaced by their ranks, because an index counts every label up to
    the largest.
    """
    if int(columns.max()) >= max(2**15, columns.shape[1]):
        columns = torch.stack([_ranks(column)[0] for column in columns])
    largest = int(columns.max())
    return columns.to(torch.uint8 if largest < 256 else torch.int16 if largest < 2**15 else torch.int32)
