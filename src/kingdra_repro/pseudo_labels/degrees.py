"""The number of strong positive edges of every signature, updated as points leave the graph."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb

import torch
from torch import Tensor

from kingdra_repro.pseudo_labels.agreement import agreeing_weight
from kingdra_repro.pseudo_labels.signatures import fold


class ColumnSubsets:
    """Total weight of the signatures that agree with a given one in at least t models.

    It takes time O(u) per set of models.

    For a signature x, let B_j be the sum, over all sets J of j models, of the weight of the signatures that
    agree with x in all models of J. A signature that agrees with x in exactly r models is counted comb(r, j)
    times in B_j. By inclusion-exclusion, the weight of the signatures that agree with x in at least t of M
    models is

        sum over j = t..M of (-1)**(j - t) * comb(j - 1, t - 1) * B_j.

    For t = M this is the weight of x itself. For t = M - 1 it is B_(M-1), the sum over the model left out of
    the weight of the signatures that agree with x in all other models, minus (M - 1) times the weight of x.

    Parameters
    ----------
    columns : integer tensor [n_models, u], distinct signatures
    threshold : int, t, from 1 to n_models
    """

    def __init__(self, columns: Tensor, threshold: int) -> None:
        n_models, self._u = columns.shape
        self._sets: list[tuple[int, Groups]] = []
        for size in range(threshold, n_models):
            factor = (-1) ** (size - threshold) * comb(size - 1, threshold - 1)
            for models in combinations(range(n_models), size):
                self._sets.append((factor, Groups.of([columns[m] for m in models])))
        # The set of all models needs no groups: signatures are distinct, so x agrees only with itself.
        self._own_factor = (-1) ** (n_models - threshold) * comb(n_models - 1, threshold - 1)

    def agreeing_weight(self, rows: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Compute, for each row, the total weight of the targets with n_agree(row, target) >= threshold.

        Rows and targets are indices of signatures, int64 [p] and [q]; each target occurs at most once.
        Weights are int64 [q], the result int64 [p].
        """
        own = torch.zeros(self._u, dtype=torch.int64, device=weights.device)
        own[targets] = weights
        total = own[rows] * self._own_factor
        for factor, groups in self._sets:
            in_group = groups.sums(targets, weights)
            total.add_(in_group[groups.of_signature[rows]], alpha=factor)
        return total

    def subtract(self, totals: Tensor, gone: Tensor, lost: Tensor) -> None:
        """Subtract the weights of a few removed signatures from the totals of all others, in place.

        ``totals``, int64 [u], are the `agreeing_weight` of all signatures. ``gone`` and ``lost``, int64
        [q], are the indices of the removed signatures, each at most once, and their weights. Only signatures
        that share a group with a removed one are visited. Afterwards, the totals of the removed signatures
        have no meaning.
        """
        for factor, groups in self._sets:
            sharing, of_theirs = groups.sharing(gone, lost)
            totals.index_add_(0, sharing, of_theirs, alpha=-factor)


@dataclass
class Groups:
    """Groups of signatures with the same predictions in some of the models.

    Attributes
    ----------
    of_signature : int32 tensor [u], the group of each signature
    n_groups : int, exclusive upper bound of the group numbers; some groups may be empty
    """

    of_signature: Tensor
    n_groups: int

    @classmethod
    def of(cls, columns: list[Tensor]) -> "Groups":
        """Group the signatures by their predictions [u] in each of the chosen models."""
        group, n_groups = fold(columns)
        if n_groups > 4 * len(group):
            values, group = torch.unique(group, return_inverse=True)
            n_groups = len(values)
        return cls(group.int(), n_groups)

    @cached_property
    def members(self) -> tuple[Tensor, Tensor]:
        """The signatures sorted by group, int32 [u], and where each group begins, int32 [n_groups + 1]."""
        order = self.of_signature.argsort().int()
        ends = torch.bincount(self.of_signature, minlength=self.n_groups).cumsum(0)
        return order, torch.cat([ends.new_zeros(1), ends]).int()

    def sums(self, signatures: Tensor, weights: Tensor) -> Tensor:
        """Sum the weights [q] of some signatures [q] over each group: int64 tensor [n_groups]."""
        return weights.new_zeros(self.n_groups).index_add_(0, self.of_signature[signatures], weights)

    def sharing(self, signatures: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Find all signatures that share a group with one of the given signatures [q] of weights [q].

        Returns
        -------
        sharing : int32 tensor [p], the signatures found, each once
        weight : int64 tensor [p], the total weight of the given signatures in the group of each
        """
        groups, inverse = torch.unique(self.of_signature[signatures], return_inverse=True)
        sums = weights.new_zeros(len(groups)).index_add_(0, inverse, weights)
        signatures_by_group, begins = self.members
        begin = begins[groups]
        size = begins[groups + 1] - begin
        # Consecutive positions from the beginning of each group.
        first = (begin - (size.cumsum(0) - size)).repeat_interleave(size)
        places = first + torch.arange(len(first), device=first.device)
        return signatures_by_group[places], sums.repeat_interleave(size)


# Time per signature and set of models, relative to comparing one label of a pair; measured on a CPU.
_SUBSET_COST = 1000
# Time to find the signatures that share a group with one signature, relative to visiting one signature.
_SHARING_COST = 30
# Time to build the index for finding them, relative to visiting all signatures once.
_INDEX_COST = 15
# Largest number of signatures times sets of models in memory, 8 bytes each.
_MAX_MEMBERSHIPS = 2**28
OUT = -1  # the degree of a signature without points in the graph


class Degrees:
    """The degree of each signature: its number of strong positive edges to points in the graph.

    A point counts as its own neighbour, which adds one to every degree and changes no comparison.

    Parameters
    ----------
    columns : integer tensor [n_models, u], distinct signatures
    t_pos : number of models that must agree for a strong positive edge, 1..n_models
    weights : int64 tensor [u], number of points in the graph with each signature

    Attributes
    ----------
    values : int64 tensor [u], the degrees; `OUT` if the weight is 0
    """

    def __init__(self, columns: Tensor, t_pos: int, weights: Tensor) -> None:
        self._columns = columns
        self._t_pos = t_pos
        n_models, u = columns.shape
        sets = sum(comb(n_models, size) for size in range(t_pos, n_models + 1))  # of at least t_pos models
        cheaper = sets * _SUBSET_COST < n_models * u and sets * u <= _MAX_MEMBERSHIPS
        self._subsets = ColumnSubsets(columns, t_pos) if cheaper or t_pos == n_models else None
        self._times_few = 0
        self.set(weights)

    def set(self, weights: Tensor) -> None:
        """Count all edges of a graph with these weights."""
        self.weights = weights.clone()
        inside = weights.nonzero()[:, 0]
        self.values = torch.full_like(weights, OUT)
        self.values[inside] = self._count(inside, inside)

    def remove(self, signatures: Tensor) -> None:
        """Remove all points of the given signatures, each listed once, from the graph."""
        few = len(signatures) * _SHARING_COST < len(self.weights)
        self._times_few += few
        if self._subsets is not None and few and self._times_few > _INDEX_COST:
            self._subsets.subtract(self.values, signatures, self.weights[signatures])
            self.weights[signatures] = 0
        else:
            left = self.weights.index_fill(0, signatures, 0).nonzero()[:, 0]
            # Degrees are linear in the weights, so there are two ways: subtract the edges to the removed
            # signatures, or recount those among the remaining ones. The smaller set is counted.
            if len(signatures) < len(left):
                self.values[left] -= self._count(left, signatures)
                self.weights[signatures] = 0
            else:
                self.weights[signatures] = 0
                self.values[left] = self._count(left, left)
        self.values[signatures] = OUT

    def _count(self, rows: Tensor, targets: Tensor) -> Tensor:
        columns, weights = self._columns, self.weights[targets]
        if self._subsets is not None:
            return self._subsets.agreeing_weight(rows, targets, weights)
        return agreeing_weight(columns[:, rows], columns[:, targets], weights, self._t_pos)
