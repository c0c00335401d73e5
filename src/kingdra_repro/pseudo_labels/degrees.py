"""The number of strong positive edges of every signature, kept up to date while points leave the graph."""

from itertools import combinations
from math import comb

import torch
from torch import Tensor

from kingdra_repro.pseudo_labels.agreement import weight_in_agreement
from kingdra_repro.pseudo_labels.signatures import fold


def n_subsets(n_models: int, threshold: int) -> int:
    """Return the number of sets of at least ``threshold`` models."""
    return sum(comb(n_models, size) for size in range(threshold, n_models + 1))


class ColumnSubsets:
    """Weight of the signatures that agree in at least ``threshold`` models, in O(u) a set of models.

    For a signature x let B_j be the sum, over all sets J of j models, of the weight of those that agree with
    x on the whole of J. One that agrees in r models is counted comb(r, j) times in B_j, so by inclusion and
    exclusion the weight of those that agree in at least t of M models is

        sum over j = t..M of (-1)**(j - t) * comb(j - 1, t - 1) * B_j.

    With t = M this is the weight of x itself; with t = M - 1 it is the sum over the left-out model of the
    weight of the remaining signature, minus (M - 1) times the weight of the whole one.

    Parameters
    ----------
    columns : integer tensor [n_models, u]
        Distinct signatures.
    threshold : int
        1..n_models.
    """

    def __init__(self, columns: Tensor, threshold: int) -> None:
        n_models, self._u = columns.shape
        self._sets: list[tuple[int, Tensor, int]] = []
        for size in range(threshold, n_models):
            factor = (-1) ** (size - threshold) * comb(size - 1, threshold - 1)
            for models in combinations(range(n_models), size):
                group, n_groups = fold([columns[m] for m in models])
                if n_groups > 4 * self._u:
                    values, group = torch.unique(group, return_inverse=True)
                    n_groups = len(values)
                self._sets.append((factor, group.int(), n_groups))
        # The set of all models: nothing to look up, for the signatures are distinct.
        self._own_factor = (-1) ** (n_models - threshold) * comb(n_models - 1, threshold - 1)

    def weight_in_agreement(self, rows: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """For each row, the weight of the targets that at least ``threshold`` models see as it does.

        Parameters
        ----------
        rows : int64 tensor [p]
            Indices of signatures.
        targets : int64 tensor [q]
            Indices of signatures, each at most once.
        weights : int64 tensor [q]

        Returns
        -------
        int64 tensor [p]
        """
        own = torch.zeros(self._u, dtype=torch.int64, device=weights.device)
        own[targets] = weights
        total = own[rows] * self._own_factor
        for factor, group, n_groups in self._sets:
            in_group = torch.zeros(n_groups, dtype=torch.int64, device=weights.device)
            in_group.index_add_(0, group[targets], weights)
            total.add_(in_group[group[rows]], alpha=factor)
        return total


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
