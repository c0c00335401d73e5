"""The number of strong positive edges of every signature, kept up to date while points leave the graph."""

import torch
from torch import Tensor

from kingdra_repro.pseudo_labels.agreement import weight_in_agreement
from kingdra_repro.pseudo_labels.column_subsets import ColumnSubsets, n_subsets

# Time of one signature in one set of models, over that of comparing one label of a pair; measured on a CPU.
_SUBSET_COST = 1000
# Set memberships held at the same time, 4 bytes each.
_MAX_MEMBERSHIPS = 2**29


class Degrees:
    """Strong positive edges to the points in the graph, for each signature in it.

    A point counts as its own neighbour; that adds one to every degree and changes no comparison.

    Parameters
    ----------
    columns : integer tensor [n_models, u]
        Distinct signatures.
    t_pos : int
        Models that have to agree for a strong positive edge, 1..n_models.
    weights : int64 tensor [u]
        Points of each signature in the graph.
    """

    def __init__(self, columns: Tensor, t_pos: int, weights: Tensor) -> None:
        self._columns = columns
        self._t_pos = t_pos
        self._weights = weights
        n_models, u = columns.shape
        sets = n_subsets(n_models, t_pos)
        cheaper = sets * _SUBSET_COST < n_models * u and sets * u <= _MAX_MEMBERSHIPS
        self._subsets = ColumnSubsets(columns, t_pos) if cheaper or t_pos == n_models else None
        everything = torch.arange(u, device=columns.device)
        self._degrees = self._count(everything, everything, weights)

    def __call__(self, weights: Tensor) -> Tensor:
        """Degrees in the graph that has these points left.

        Parameters
        ----------
        weights : int64 tensor [u]
            Nowhere above those of the last call.

        Returns
        -------
        int64 tensor [u]
            Meaningless where the weight is 0.
        """
        lost = self._weights - weights
        left, changed = weights.nonzero()[:, 0], lost.nonzero()[:, 0]
        # The degrees are linear in the weights: count what has gone or what is left, whichever is less.
        if len(changed) == 0:
            return self._degrees
        if len(changed) < len(left):
            self._degrees[left] -= self._count(left, changed, lost[changed])
        else:
            self._degrees[left] = self._count(left, left, weights[left])
        self._weights = weights
        return self._degrees

    def _count(self, rows: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        if self._subsets is not None:
            return self._subsets.weight_in_agreement(rows, targets, weights)
        columns = self._columns
        return weight_in_agreement(columns[:, rows], columns[:, targets], weights, self._t_pos)
