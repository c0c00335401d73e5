"""The number of strong positive edges of every signature, kept up to date while points leave the graph."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb

import torch
from torch import Tensor

from kingdra_repro.pseudo_labels.agreement import weight_in_agreement
from kingdra_repro.pseudo_labels.signatures import fold


class ColumnSubsets:
    """Weight of the signatures that agree in at least ``threshold`` models, in O(u) a set of models.

    For a signature x let B_j be the sum, over all sets J of j models, of the weight of those that agree with
    x on the whole of J. One that agrees in r models is counted comb(r, j) times in B_j, so by inclusion and
    exclusion the weight of those that agree in at least t of M models is

        sum over j = t..M of (-1)**(j - t) * comb(j - 1, t - 1) * B_j.

    With t = M this is the weight of x itself; with t = M - 1 it is the sum over the left-out model of the
    weight of the remaining signature, minus (M - 1) times the weight of the whole one.

    ``columns``, integer [n_models, u], are the distinct signatures; ``threshold`` is from 1 to n_models.
    """

    def __init__(self, columns: Tensor, threshold: int) -> None:
        n_models, self._u = columns.shape
        self._sets: list[tuple[int, Groups]] = []
        for size in range(threshold, n_models):
            factor = (-1) ** (size - threshold) * comb(size - 1, threshold - 1)
            for models in combinations(range(n_models), size):
                self._sets.append((factor, Groups.of([columns[m] for m in models])))
        # The set of all models: nothing to look up, for the signatures are distinct.
        self._own_factor = (-1) ** (n_models - threshold) * comb(n_models - 1, threshold - 1)

    def weight_in_agreement(self, rows: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """For each row, the weight of the targets that at least ``threshold`` models see as it does.

        Rows and targets are indices of signatures, int64 [p] and [q], of targets each at most once; weights
        are int64 [q], the answer int64 [p].
        """
        own = torch.zeros(self._u, dtype=torch.int64, device=weights.device)
        own[targets] = weights
        total = own[rows] * self._own_factor
        for factor, groups in self._sets:
            in_group = groups.sums(targets, weights)
            total.add_(in_group[groups.of_signature[rows]], alpha=factor)
        return total

    def subtract(self, totals: Tensor, gone: Tensor, lost: Tensor) -> None:
        """Take out of the `weight_in_agreement` of all others what a few signatures were worth, in place.

        Only those that share a group with one of them are looked at. Entries of these few mean nothing then.
        Totals are int64 [u]; the signatures that are gone, each at most once, and their weights int64 [q].
        """
        for factor, groups in self._sets:
            sharing, of_theirs = groups.sharing(gone, lost)
            totals.index_add_(0, sharing, of_theirs, alpha=-factor)


@dataclass
class Groups:
    """Signatures that some models answer alike.

    Attributes
    ----------
    of_signature : int32 tensor [u], the group of each
    n_groups : int, above every number of a group; some may be empty
    """

    of_signature: Tensor
    n_groups: int

    @classmethod
    def of(cls, columns: list[Tensor]) -> "Groups":
        """Group the signatures by the labels [u] that some models give them."""
        group, n_groups = fold(columns)
        if n_groups > 4 * len(group):
            values, group = torch.unique(group, return_inverse=True)
            n_groups = len(values)
        return cls(group.int(), n_groups)

    @cached_property
    def members(self) -> tuple[Tensor, Tensor]:
        """The signatures, group by group: int32 [u]; and where each group begins: int32 [n_groups + 1]."""
        order = self.of_signature.argsort().int()
        ends = torch.bincount(self.of_signature, minlength=self.n_groups).cumsum(0)
        return order, torch.cat([ends.new_zeros(1), ends]).int()

    def sums(self, signatures: Tensor, weights: Tensor) -> Tensor:
        """Add up the weights [q] of some signatures [q] in each group: int64 tensor [n_groups]."""
        return weights.new_zeros(self.n_groups).index_add_(0, self.of_signature[signatures], weights)

    def sharing(self, signatures: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Return all signatures that share a group with some [q], and what those of their group weigh.

        Each of them once, int32 [p]; and the weights, int64 [p].
        """
        groups, inverse = torch.unique(self.of_signature[signatures], return_inverse=True)
        sums = weights.new_zeros(len(groups)).index_add_(0, inverse, weights)
        signatures_by_group, begins = self.members
        begin = begins[groups]
        size = begins[groups + 1] - begin
        # Consecutive numbers from each begin on.
        first = (begin - (size.cumsum(0) - size)).repeat_interleave(size)
        places = first + torch.arange(len(first), device=first.device)
        return signatures_by_group[places], sums.repeat_interleave(size)


# Time of one signature in one set of models, over that of comparing one label of a pair; measured on a CPU.
_SUBSET_COST = 1000
# Time of finding those that share a group with one signature, over that of going over one signature.
_SHARING_COST = 30
# To look them up an index is made, which takes as long as going over all so often.
_INDEX_COST = 15
# Set memberships held at the same time, 8 bytes each.
_MAX_MEMBERSHIPS = 2**28
OUT = -1  # the degree of a signature that no point of the graph has


class Degrees:
    """Strong positive edges to the points in the graph, for each signature in it.

    A point counts as its own neighbour; that adds one to every degree and changes no comparison.

    Parameters
    ----------
    columns : integer tensor [n_models, u], distinct signatures
    t_pos : models that have to agree for a strong positive edge, 1..n_models
    weights : int64 tensor [u], points of each signature in the graph

    Attributes
    ----------
    values : int64 tensor [u], `OUT` where the weight is 0
    """

    def __init__(self, columns: Tensor, t_pos: int, weights: Tensor) -> None:
        self._columns = columns
        self._t_pos = t_pos
        n_models, u = columns.shape
        sets = sum(comb(n_models, size) for size in range(t_pos, n_models + 1))  # of models, at least t_pos
        cheaper = sets * _SUBSET_COST < n_models * u and sets * u <= _MAX_MEMBERSHIPS
        self._subsets = ColumnSubsets(columns, t_pos) if cheaper or t_pos == n_models else None
        self._times_few = 0
        self.set(weights)

    def set(self, weights: Tensor) -> None:
        """Count the edges anew, in a graph of these weights."""
        self.weights = weights.clone()
        inside = weights.nonzero()[:, 0]
        self.values = torch.full_like(weights, OUT)
        self.values[inside] = self._count(inside, inside)

    def remove(self, signatures: Tensor) -> None:
        """Let all points of some signatures, each named once, leave the graph."""
        few = len(signatures) * _SHARING_COST < len(self.weights)
        self._times_few += few
        if self._subsets is not None and few and self._times_few > _INDEX_COST:
            self._subsets.subtract(self.values, signatures, self.weights[signatures])
            self.weights[signatures] = 0
        else:
            left = self.weights.index_fill(0, signatures, 0).nonzero()[:, 0]
            # The degrees are linear in the weights: count what goes or what is left, whichever is less.
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
            return self._subsets.weight_in_agreement(rows, targets, weights)
        return weight_in_agreement(columns[:, rows], columns[:, targets], weights, self._t_pos)
