"""clusters.csv: the cluster of each point, for its owner."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.streamed import Matrix
from kingdra_repro.files import atomic_write
from kingdra_repro.methods import Ensemble
from kingdra_repro.methods.clusterer import Clusterer


def cluster_table(
    method: Clusterer,
    X: Matrix,
    labels: np.ndarray | None = None,
    names: Sequence[str] | None = None,
    columns: pd.DataFrame | None = None,
    classes: Sequence[str] | None = None,
    rows: np.ndarray | None = None,
) -> pd.DataFrame:
    """Tabulate what a fitted estimator says of n points, in the form of clusters.csv.

    Parameters
    ----------
    labels : int64 array [n], their clusters; None: as `predict` has them
    names : what the points are called
    columns : DataFrame [n, columns], the user's own, to stand beside
    classes : what the clusters are called, "" for those without a name; see `names_of_clusters`
    rows : int64 array [n], numbers of the points without names; None: 0, 1, 2...

    Returns
    -------
    DataFrame [n, ...]
        ``id`` or ``row``, ``cluster``; where clusters have names, ``class``; of an ensemble ``confidence``
        (the mean output for that cluster) and ``agreement`` (the share of models that give it, where there
        are several); then the user's columns, with "input" before a name that is one of these.
    """
    certainty = dict[str, np.ndarray]()
    if isinstance(method, Ensemble):
        labels, confidence, agreement = method.predict_with_certainty(X, labels)
        certainty["confidence"] = confidence
        if method.is_ensemble:
            certainty["agreement"] = agreement
    elif labels is None:
        labels = method.predict(X)  # type: ignore[attr-defined]
    n = X.shape[0]
    table = pd.DataFrame(
        {"row": range(n) if rows is None else rows} if names is None else {"id": list(names)}
    )
    table["cluster"] = labels
    if classes is not None:
        table["class"] = np.array(classes, object)[labels]
    return beside(table.assign(**certainty), columns)


def names_of_clusters(data: Dataset, given: np.ndarray | None) -> list[str] | None:
    """Name the clusters 0..k-1 after the classes of given labels [n]: list of str [k], "" for one without.

    None where no label is given: which class a cluster is then, nobody knows.
    """
    if data.class_names is None or given is None or not (given >= 0).any():
        return None
    known = np.unique(given[given >= 0])
    return [data.class_names[c] if c in known else "" for c in range(data.n_clusters)]


def beside(table: pd.DataFrame, columns: pd.DataFrame | None) -> pd.DataFrame:
    """Put the user's columns, if any, beside ours, with "input" before a name that is one of these."""
    if columns is None:
        return table
    clear = {name: f"input {name}" for name in columns.columns if name in table.columns}
    return pd.concat([table, columns.rename(columns=clear).set_axis(table.index)], axis=1)


def write_clusters(path: Path, tables: Iterable[pd.DataFrame]) -> None:
    """Write a `cluster_table`, in blocks of rows, as CSV; confidence and agreement have four digits."""

    def write(file: BinaryIO) -> None:
        for i, table in enumerate(tables):
            rounded = table.round({"confidence": 4, "agreement": 4})
            # Straight into the file: the text of ten million rows is as large as their features.
            rounded.to_csv(file, index=False, header=not i, lineterminator="\n", mode="wb")

    atomic_write(path, write)
