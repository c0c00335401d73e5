"""Pairs of points that belong together or apart, and what follows from them.

"Together" is transitive: a with b, and b with c, is a with c; and where a is apart from b, all that belong
with a are apart from all that belong with b. The closure is computed here and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import breadth_first_order, connected_components

from kingdra_repro.errors import InputError
from kingdra_repro.files import checksum_of_array


@dataclass(frozen=True)
class Links:
    """Pairs of n points, as they were given.

    Attributes
    ----------
    must_link, cannot_link : int64 array [m, 2], row numbers from 0
    must_weight, cannot_weight : float64 array [m], above 0 and at most 1
        How certain each pair is. Pairs of weight 1 are closed; what is in doubt is taken as it is, and
        nothing follows from it.
    """

    must_link: np.ndarray
    cannot_link: np.ndarray
    must_weight: np.ndarray
    cannot_weight: np.ndarray

    @classmethod
    def of(
        cls,
        n: int,
        must_link: Any = None,
        cannot_link: Any = None,
        must_weight: Any = None,
        cannot_weight: Any = None,
    ) -> "Links | None":
        """Pairs of n points as a program gives them, checked; None where there is none.

        Raises
        ------
        InputError
            Where they are not whole numbers [m, 2] from 0 to n - 1, a point is paired with itself, or a
            weight is not above 0 and at most 1.
        """
        must, sure = _checked(n, "must_link", must_link, "must_weight", must_weight)
        cannot, sure_not = _checked(n, "cannot_link", cannot_link, "cannot_weight", cannot_weight)
        return cls(must, cannot, sure, sure_not) if len(must) + len(cannot) else None

    def checksum(self) -> str:
        """Of all pairs and weights: what tells them from others."""
        parts = [array for array in vars(self).values() if array.size]  # what is empty has no bytes to sum
        sizes = f"{len(self.must_link)}+{len(self.cannot_link)}"
        return " ".join([sizes, *(checksum_of_array(array) for array in parts)])


@dataclass(frozen=True)
class Closure:
    """What follows from the certain pairs, and the doubtful ones beside it.

    Attributes
    ----------
    group : int64 array [n]
        Points of one number belong together; a point without such pairs has a number of its own.
    apart : int64 array [m, 2]
        Numbers of groups that do not belong together; each pair once, the smaller number first, in order.
    doubtful : Links, those of weight below 1
    links : Links, all that it was made of
    """

    group: np.ndarray
    apart: np.ndarray
    doubtful: Links
    links: Links


def closure(n: int, links: Links, row_names: Sequence[str] | None = None) -> Closure:
    """Close the certain pairs of n points by transitivity. Rows are told by their names, if they have some.

    Raises
    ------
    InputError
        Where they contradict each other: the pair and the points that join its ends are told.
    """
    must, cannot = links.must_link[links.must_weight == 1], links.cannot_link[links.cannot_weight == 1]
    joined = sp.coo_matrix((np.ones(len(must)), (must[:, 0], must[:, 1])), shape=(n, n)).tocsr()
    _, group = connected_components(joined, directed=False)
    group = group.astype(np.int64)
    if len(wrong := cannot[group[cannot[:, 0]] == group[cannot[:, 1]]]):
        way = _way(joined, *map(int, wrong[0]))
        i, j = _names([way[0], way[-1]], row_names)
        raise InputError(
            f"Rows {i} and {j} cannot be linked and must be linked ({' - '.join(_names(way, row_names))}): "
            "leave one of these pairs out, or give it a weight below 1"
        )
    apart = np.unique(np.sort(group[cannot], axis=1), axis=0).reshape(-1, 2)
    doubt, doubt_not = links.must_weight < 1, links.cannot_weight < 1
    doubtful = Links(
        links.must_link[doubt],
        links.cannot_link[doubt_not],
        links.must_weight[doubt],
        links.cannot_weight[doubt_not],
    )
    return Closure(group, apart, doubtful, links)


def with_linked(
    given: np.ndarray,
    closed: Closure,
    class_names: Sequence[str] | None = None,
    row_names: Sequence[str] | None = None,
) -> np.ndarray:
    """Return the given labels and those that follow: a point has the class of those it belongs with.

    Parameters
    ----------
    given : int64 array [n], -1 where not known
    closed : Closure
    class_names, row_names : sequence of str or None, for the messages: numbers

    Returns
    -------
    int64 array [n]

    Raises
    ------
    InputError
        Where points that belong together have two classes, or points that do not have one: rows are told.
    """

    def called(row: int) -> str:
        return str(given[row]) if class_names is None else repr(class_names[int(given[row])])

    known = np.flatnonzero(given >= 0)
    groups, first = np.unique(closed.group[known], return_index=True)
    speaker = np.full(closed.group.max() + 1, -1, np.int64)  # of each group, a row with a class
    speaker[groups] = known[first]
    said = speaker[closed.group]
    if len(wrong := known[given[known] != given[said[known]]]):
        rows = [int(said[wrong[0]]), int(wrong[0])]
        i, j = _names(rows, row_names)
        raise InputError(
            f"Rows {i} and {j} must be linked, and have the classes {' and '.join(map(called, rows))}: "
            "correct a label or leave a pair out"
        )
    one, other = speaker[closed.apart].T
    both = (one >= 0) & (other >= 0)
    if (wrong := both & (given[one] == given[other])).any():
        rows = [int(one[wrong][0]), int(other[wrong][0])]
        i, j = _names(rows, row_names)
        raise InputError(
            f"Rows {i} and {j} have the class {called(rows[0])}, and the pairs say that they cannot be "
            "linked: correct a label or leave a pair out"
        )
    return np.where(said >= 0, given[said], -1)


def _checked(n: int, name: str, pairs: Any, weight_name: str, weight: Any) -> tuple[np.ndarray, np.ndarray]:
    try:
        pairs = np.empty((0, 2), np.int64) if pairs is None else np.asarray(pairs)
    except ValueError:  # rows of unlike lengths
        raise InputError(f"{name} is not a list of pairs: give two row numbers each, [m, 2]") from None
    if pairs.size == 0:
        pairs = np.empty((0, 2), np.int64)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        raise InputError(
            f"{name} of shape {pairs.shape} and type {pairs.dtype} is not a list of pairs: give row numbers, "
            "[m, 2]"
        )
    if len(pairs) and not 0 <= pairs.min() <= pairs.max() < n:
        raise InputError(f"{name} names rows {pairs.min()} to {pairs.max()}: the data have rows 0 to {n - 1}")
    pairs = pairs.astype(np.int64)
    if len(itself := pairs[pairs[:, 0] == pairs[:, 1]]):
        raise InputError(f"{name} pairs row {itself[0, 0]} with itself: leave that pair out")
    try:
        weight = np.ones(len(pairs)) if weight is None else np.asarray(weight, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{weight_name} has values that are not numbers: give numbers, one each") from None
    if weight.shape != (len(pairs),):
        raise InputError(
            f"{weight_name} of shape {weight.shape} does not fit {len(pairs)} pairs: give one each"
        )
    if len(wrong := weight[~((weight > 0) & (weight <= 1))]):
        raise InputError(f"{weight_name}={wrong[0]} must be above 0 and at most 1")
    return pairs, weight


def _names(rows: Sequence[int], row_names: Sequence[str] | None) -> list[str]:
    return [str(row) if row_names is None else repr(row_names[row]) for row in rows]


def _way(joined: sp.csr_matrix, i: int, j: int) -> list[int]:
    """Return the rows on a shortest way from i to j."""
    _, before = breadth_first_order(joined, i, directed=False)
    way = [j]
    while way[-1] != i:
        way.append(int(before[way[-1]]))
    return way[::-1]
