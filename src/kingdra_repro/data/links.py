"""Must-link and cannot-link pairs of points, and what follows from them.

Must-link is transitive: if a belongs with b, and b with c, then a belongs with c. If a and b cannot
be linked, no point that belongs with a can be linked with one that belongs with b. The closure is computed
only in this module.
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
    """Must-link and cannot-link pairs of n points, as given.

    Attributes
    ----------
    must_link, cannot_link : int64 array [m, 2], row indices
    must_weight, cannot_weight : float64 array [m], above 0 and at most 1
        Confidence in each pair. Pairs of weight 1 are certain and enter the transitive closure; pairs of
        lower weight are used unchanged, and nothing follows from them.
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
        """Validate pairs of n points and return them as `Links`; None if there are none.

        Raises
        ------
        InputError
            If pairs are not integers [m, 2] from 0 to n - 1, a point is paired with itself, or weights are
            not [m] numbers above 0 and at most 1.
        """
        must, sure = _checked(n, "must_link", must_link, "must_weight", must_weight)
        cannot, sure_not = _checked(n, "cannot_link", cannot_link, "cannot_weight", cannot_weight)
        return cls(must, cannot, sure, sure_not) if len(must) + len(cannot) else None

    def checksum(self) -> str:
        """Return a checksum of all pairs and weights."""
        parts = [array for array in vars(self).values() if array.size]  # an empty array has no bytes
        sizes = f"{len(self.must_link)}+{len(self.cannot_link)}"
        return " ".join([sizes, *(checksum_of_array(array) for array in parts)])


@dataclass(frozen=True)
class Closure:
    """The transitive closure of the certain pairs, and the uncertain pairs, which do not enter it.

    Attributes
    ----------
    group : int64 array [n]
        Group of each point. Points of one group must be linked; a point in no such pair has its own group.
    cannot_link_groups : int64 array [m, 2]
        Pairs of groups that cannot be linked; each pair once, the smaller number first, sorted.
    uncertain : Links, the pairs of weight below 1
    links : Links, all pairs, certain and uncertain
    """

    group: np.ndarray
    cannot_link_groups: np.ndarray
    uncertain: Links
    links: Links


def closure(n: int, links: Links, row_names: Sequence[str] | None = None) -> Closure:
    """Compute the transitive closure of the certain pairs of n points; messages use `row_names`, if given.

    Raises
    ------
    InputError
        If the pairs contradict each other; the message names a pair and the chain that links its points.
    """
    must, cannot = links.must_link[links.must_weight == 1], links.cannot_link[links.cannot_weight == 1]
    joined = sp.coo_matrix((np.ones(len(must)), (must[:, 0], must[:, 1])), shape=(n, n)).tocsr()
    _, group = connected_components(joined, directed=False)
    group = group.astype(np.int64)
    if len(wrong := cannot[group[cannot[:, 0]] == group[cannot[:, 1]]]):
        path = _shortest_path(joined, *map(int, wrong[0]))
        i, j = _names([path[0], path[-1]], row_names)
        raise InputError(
            f"Rows {i} and {j} cannot be linked and must be linked ({' - '.join(_names(path, row_names))}): "
            "leave one of these pairs out, or give it a weight below 1"
        )
    cannot_link_groups = np.unique(np.sort(group[cannot], axis=1), axis=0).reshape(-1, 2)
    uncertain_must, uncertain_cannot = links.must_weight < 1, links.cannot_weight < 1
    uncertain = Links(
        links.must_link[uncertain_must],
        links.cannot_link[uncertain_cannot],
        links.must_weight[uncertain_must],
        links.cannot_weight[uncertain_cannot],
    )
    return Closure(group, cannot_link_groups, uncertain, links)


def propagate_labels(
    given: np.ndarray,
    closed: Closure,
    class_names: Sequence[str] | None = None,
    row_names: Sequence[str] | None = None,
) -> np.ndarray:
    """Return the given labels and those that follow from them: linked points have the same class.

    Parameters
    ----------
    given : int64 array [n], -1 where unknown
    closed : Closure
    class_names, row_names : sequence of str or None, for the messages; None: numbers

    Returns
    -------
    int64 array [n]

    Raises
    ------
    InputError
        If linked points have different classes, or points that cannot be linked have the same class; the
        message names the rows.
    """

    def called(row: int) -> str:
        return str(given[row]) if class_names is None else repr(class_names[int(given[row])])

    known = np.flatnonzero(given >= 0)
    groups, first = np.unique(closed.group[known], return_index=True)
    speaker = np.full(closed.group.max() + 1, -1, np.int64)  # for each group, a row with a known class
    speaker[groups] = known[first]
    said = speaker[closed.group]
    if len(wrong := known[given[known] != given[said[known]]]):
        rows = [int(said[wrong[0]]), int(wrong[0])]
        i, j = _names(rows, row_names)
        raise InputError(
            f"Rows {i} and {j} must be linked, and have the classes {' and '.join(map(called, rows))}: "
            "correct a label or leave a pair out"
        )
    one, other = speaker[closed.cannot_link_groups].T
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
    except ValueError:  # rows of different lengths
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


def _shortest_path(joined: sp.csr_matrix, i: int, j: int) -> list[int]:
    """Return the rows on a shortest path from i to j."""
    _, before = breadth_first_order(joined, i, directed=False)
    path = [j]
    while path[-1] != i:
        path.append(int(before[path[-1]]))
    return path[::-1]
