"""clusters.csv: a table of the cluster of each point, for the owner of the data."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.sources.custom_cells import clear_names
from kingdra_repro.data.streamed import Matrix
from kingdra_repro.files import atomic_write
from kingdra_repro.methods import Ensemble
from kingdra_repro.methods.clusterer import Clusterer

# The columns of clusters.csv that are not the user's.
OWN_COLUMNS = {"id", "row", "cluster", "class", "confidence", "agreement"}


def cluster_table(
    method: Clusterer,
    X: Matrix,
    labels: np.ndarray | None = None,
    names: Sequence[str] | None = None,
    columns: pd.DataFrame | None = None,
    classes: Sequence[str] | None = None,
    rows: np.ndarray | None = None,
) -> pd.DataFrame:
    """Tabulate a fitted estimator's clusters of n points, in the form of clusters.csv.

    Parameters
    ----------
    labels : int64 array [n], the clusters of the points; None: those of `predict`
    names : names of the points
    columns : DataFrame [n, columns], the user's own columns, to be appended
    classes : names of the clusters, "" for a cluster without one; see `names_of_clusters`
    rows : int64 array [n], row numbers of the points, used if `names` is None; None: 0, 1, 2...

    Returns
    -------
    DataFrame [n, ...]
        ``id`` (if points have names) or ``row``; ``cluster``; ``class``, if clusters have names; for an
        ensemble ``confidence`` (the mean output for that cluster) and, if it has several models,
        ``agreement`` (the share of models that give that cluster), both to four decimals; then the user's
        columns, with the prefix "input " if the name is already taken.
    """
    certainty = dict[str, np.ndarray]()
    if isinstance(method, Ensemble):
        labels, confidence, agreement = method.predict_with_certainty(X, labels)
        certainty["confidence"] = confidence.round(4)
        if method.is_ensemble:
            certainty["agreement"] = agreement.round(4)
    elif labels is None:
        labels = method.predict(X)  # type: ignore[attr-defined]
    n = X.shape[0]
    table = pd.DataFrame(
        {"row": range(n) if rows is None else rows} if names is None else {"id": list(names)}
    )
    table["cluster"] = labels
    if classes is not None:
        table["class"] = np.array(classes, object)[labels]
    return append_columns(table.assign(**certainty), columns)


def names_of_clusters(data: Dataset, given: np.ndarray | None) -> list[str] | None:
    """Name the clusters 0..k-1 after the classes of the given labels.

    Returns a list of k names, "" for a cluster whose class has no label in `given` (int array [n], -1 for
    none). Returns None if classes have no names or no label is given: the class of a cluster is then unknown.
    """
    if data.class_names is None or given is None or not (given >= 0).any():
        return None
    known = np.unique(given[given >= 0])
    return [data.class_names[c] if c in known else "" for c in range(data.n_clusters)]


def append_columns(table: pd.DataFrame, columns: pd.DataFrame | None) -> pd.DataFrame:
    """Append the user's columns, if any, named by `clear_names` where `table` has that name already."""
    if columns is None:
        return table
    clear = clear_names(columns.columns, table.columns)
    return pd.concat([table, columns.rename(columns=clear).set_axis(table.index)], axis=1)


def add_columns(path: Path, columns: pd.DataFrame | None) -> None:
    """Append the user's columns to a finished run's clusters.csv that was written without them."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if columns is not None and OWN_COLUMNS.issuperset(table):
        write_clusters(path, [append_columns(table, columns)])


def write_clusters(path: Path, tables: Iterable[pd.DataFrame]) -> None:
    """Write the blocks of a `cluster_table` to one CSV file."""

    def write(file: BinaryIO) -> None:
        for i, table in enumerate(tables):
            # Written to the file directly: as text, ten million rows take as much memory as their features.
            table.to_csv(file, index=False, header=not i, lineterminator="\n", mode="wb")

    atomic_write(path, write)
