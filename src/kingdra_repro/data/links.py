"""Pairs of points that belong together or apart, and what follows from them.

"Together" is transitive: a with b, and b with c, is a with c; and where a is apart from b, all that belong
with a are apart from all that belong with b. The closure is computed here and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.sparse.csgraph import breadth_first_order, connected_components

from kingdra_repro.data.formats.tables import is_table, listed, read_as_written
from kingdra_repro.errors import InputError
from kingdra_repro.files import checksum_of_array

COLUMNS = ("i", "j", "link")  # and, where pairs are in doubt, weight


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


def closure(n: int, links: Links) -> Closure:
    """Close the certain pairs by transitivity.

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
        i, j = (int(row) for row in wrong[0])
        way = " - ".join(str(row) for row in _way(joined, i, j))
        raise InputError(
            f"Rows {i} and {j} cannot be linked and must be linked ({way}): leave one of these pairs out, or "
            "give it a weight below 1"
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


def with_linked(given: np.ndarray, closed: Closure, class_names: Sequence[str] | None = None) -> np.ndarray:
    """Return the given labels and those that follow: a point has the class of those it belongs with.

    Parameters
    ----------
    given : int64 array [n], -1 where not known
    closed : Closure
    class_names : sequence of str or None, for the messages

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
        i, j = int(said[wrong[0]]), int(wrong[0])
        raise InputError(
            f"Rows {i} and {j} must be linked, and have the classes {called(i)} and {called(j)}: correct a "
            "label or leave a pair out"
        )
    one, other = speaker[closed.apart].T
    both = (one >= 0) & (other >= 0)
    if (wrong := both & (given[one] == given[other])).any():
        i, j = int(one[wrong][0]), int(other[wrong][0])
        raise InputError(
            f"Rows {i} and {j} have the class {called(i)}, and the pairs say that they cannot be linked: "
            "correct a label or leave a pair out"
        )
    return np.where(said >= 0, given[said], -1)


def read_links(path: Path, row_names: Sequence[str] | None, n: int) -> Links:
    """Pairs from a table with the columns ``i``, ``j``, ``link`` and perhaps ``weight``.

    Parameters
    ----------
    path : Path, .csv or .parquet
        i, j: names of rows, or row numbers from 0 where the data have no names; link: 1 belong together, 0 do
        not, blank: not known, and left out; weight: above 0 and at most 1. Columns whose names begin with
        "i: " or "j: ", as in ask_pairs.csv, are not read.
    row_names : names of the rows of the data, or None
    n : number of rows

    Raises
    ------
    InputError
        Where it is not such a table; the line is told.
    """
    if not path.is_file():
        raise InputError(f"dataset.links={path} does not exist ({path.absolute()}): correct the path")
    if not is_table(path):
        raise InputError(f"dataset.links={path} is not a table: give a .csv with the columns i, j, link")
    table, written = read_as_written(path, ("i", "j"))
    table = table[[name for name in table.columns if not name.startswith(("i: ", "j: "))]]
    unknown = [name for name in table.columns if name not in (*COLUMNS, "weight")]
    if unknown or not set(COLUMNS) <= set(table.columns):
        raise InputError(
            f"{path} has the columns {listed(table.columns)}: give i, j, link and perhaps weight"
        )
    table = table.assign(**written).reset_index(drop=True)
    table = table[table["link"].notna()]
    if table.empty:
        raise InputError(f"{path} has no link that is filled in: give 1 or 0 to some")
    pairs = _rows_named(table[["i", "j"]], path, row_names, n)
    if (itself := np.flatnonzero(pairs[:, 0] == pairs[:, 1])).size:
        raise InputError(
            f"{path} pairs {table['i'].iloc[itself[0]]} with itself in {_place(table, itself[0])}: leave "
            "that pair out"
        )
    link = table["link"]
    if (wrong := np.flatnonzero(~link.isin([0, 1]))).size:
        raise InputError(f"{path} has link={link.iloc[wrong[0]]} in {_place(table, wrong[0])}: give 1 or 0")
    together = link.to_numpy() == 1
    if "weight" in table and not pd.api.types.is_numeric_dtype(table["weight"]):
        raise InputError(f"{path} has a weight that is not a number: give numbers above 0, at most 1")
    weight = table["weight"].to_numpy(np.float64) if "weight" in table else np.ones(len(table))
    if (wrong := np.flatnonzero(~((weight > 0) & (weight <= 1)))).size:
        found = "no weight" if np.isnan(weight[wrong[0]]) else f"weight={weight[wrong[0]]:g}"
        raise InputError(
            f"{path} has {found} in {_place(table, wrong[0])}: give a number above 0 and at most 1"
        )
    found_links = Links.of(n, pairs[together], pairs[~together], weight[together], weight[~together])
    assert found_links is not None  # a table has rows
    return found_links


def _rows_named(pairs: pd.DataFrame, path: Path, row_names: Sequence[str] | None, n: int) -> np.ndarray:
    """Row numbers, int64 [m, 2], of names or, where the rows of the data have none, of row numbers.

    Never of both: a name such as 20, which has lost its zeros, would be taken for the number of another row.
    """
    for name, column in pairs.items():
        if (blank := np.flatnonzero(column.isna())).size:
            raise InputError(
                f"{path} has no {name} in {_place(pairs, blank[0])}: fill it in, or leave its link blank"
            )
    cells = pd.Series(pairs.to_numpy(object).reshape(-1)).map(_text)
    if row_names is None:
        return _row_numbers(cells, path, n).reshape(-1, 2)
    names = pd.Series([name.strip() for name in row_names])
    if len(unknown := cells[~cells.isin(names)]):
        raise InputError(
            f"{path} names the row {unknown.iloc[0]!r}, which the data do not have: give names as they stand "
            f"there, such as {names[0]!r}"
        )
    if len(twice := cells[cells.isin(names[names.duplicated()])]):
        raise InputError(
            f"{path} names the row {twice.iloc[0]!r}, and {(names == twice.iloc[0]).sum()} rows of the data "
            "are called so: give dataset.id=COLUMN with a name of its own for each, or no dataset.id and "
            "row numbers"
        )
    return cells.map({name: row for row, name in names.items()}).to_numpy(np.int64).reshape(-1, 2)


def _row_numbers(cells: pd.Series, path: Path, n: int) -> np.ndarray:
    numbers = pd.to_numeric(cells, errors="coerce")
    if len(wrong := cells[numbers.isna() | (numbers % 1 != 0)]):
        raise InputError(
            f"{path} has row names such as {wrong.iloc[0]!r}, the data have none: give row numbers, or name "
            "the column with the rows' names with dataset.id"
        )
    if len(wrong := cells[~numbers.between(0, n - 1)]):
        raise InputError(f"{path} names row {wrong.iloc[0]}: the data have rows 0 to {n - 1}")
    return numbers.to_numpy(np.int64)


def _text(cell: Any) -> str:
    """How a cell is written; beside blank ones whole numbers of a binary file are floats."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def _place(table: pd.DataFrame, position: int) -> str:
    return f"row {table.index[position]} (counted from 0)"


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


def _way(joined: sp.csr_matrix, i: int, j: int) -> list[int]:
    """Return the rows on a shortest way from i to j."""
    _, before = breadth_first_order(joined, i, directed=False)
    way = [j]
    while way[-1] != i:
        way.append(int(before[way[-1]]))
    return way[::-1]
