"""Points that no model tells apart: the graph on n points is a weighted graph on u <= n signatures."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_INT64 = 2**63


@dataclass(frozen=True)
class Signatures:
    """The distinct rows of predictions, and who has them.

    Whether two points have an edge depends on their predictions alone, so points of equal predictions are
    interchangeable but for their index (which decides ties) and for being a source.

    Attributes
    ----------
    columns : integer tensor [n_models, u], the distinct predictions, in the smallest type that holds them
    of_point : int64 tensor [n], the signature of each point
    n_points : int64 tensor [u], points with this signature, at least one
    n_sources : int64 tensor [u], those among them that have outgoing strong positive edges
    first_source : int64 tensor [u], the lowest index of a source, n where there is none
    """

    columns: Tensor
    of_point: Tensor
    n_points: Tensor
    n_sources: Tensor
    first_source: Tensor

    @classmethod
    def of(cls, predictions: Tensor, sources: Tensor | None) -> "Signatures":
        """Find those of predictions, integers >= 0 [n_models, n]; sources are bool [n], None: all points."""
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
    """Give each distinct row of labels >= 0, of columns [n], a number 0..u-1 in lexical order: int64 [n].

    The labels of a row are the digits of one integer. Before it would outgrow 64 bits (100 clusters and
    10 models do), the integers seen so far are replaced by their ranks.
    """
    code, _ = fold(columns)
    return torch.unique(code, return_inverse=True)[1]


def fold(columns: Tensor | Sequence[Tensor]) -> tuple[Tensor, int]:
    """Give rows numbers as `number_signatures` does, but with gaps: int64 [n], and what all are below."""
    code, size = _bounded(columns[0])
    for column in columns[1:]:
        digit, base = _bounded(column)
        if size * base >= _INT64:
            code, size = _ranks(code)
        code = torch.add(digit, code, alpha=base)
        size *= base
    return code, size


def _bounded(column: Tensor) -> tuple[Tensor, int]:
    """Return a column as int64 and the number its labels are below, at most 2**31 or n."""
    size = int(column.max()) + 1
    return (column.long(), size) if size <= 2**31 else _ranks(column)


def _ranks(code: Tensor) -> tuple[Tensor, int]:
    values, ranks = torch.unique(code, return_inverse=True)
    return ranks, len(values)


def _lowest(index: Tensor, group: Tensor, n_groups: int, missing: int) -> Tensor:
    lowest = torch.full((n_groups,), missing, device=index.device)
    return lowest.scatter_reduce_(0, group, index, "amin")


def _smallest_type(columns: Tensor) -> Tensor:
    """Labels of one byte wherever they fit: comparing them is what large graphs spend their time on."""
    if int(columns.max()) > 2**31 - 1:
        columns = torch.stack([_ranks(column)[0] for column in columns])
    largest = int(columns.max())
    return columns.to(torch.uint8 if largest < 256 else torch.int16 if largest < 2**15 else torch.int32)
