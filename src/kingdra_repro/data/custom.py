"""The user's own features: arrays and tables."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from kingdra_repro.data.arrays import ARRAY_ENDINGS, read_npy, read_npz
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.labels import encode_labels
from kingdra_repro.data.scaling import scale_columns
from kingdra_repro.data.tables import TABLE_ENDINGS, listed, numeric_columns, read_table
from kingdra_repro.data.validation import validate
from kingdra_repro.errors import InputError

log = logging.getLogger(__name__)

# The networks' noise and learning rates are meant for values of about 1.
LARGE_VALUE = 10


def load_custom(
    path: str | os.PathLike,
    labels: str | os.PathLike | None = None,
    n_clusters: int | None = None,
    scale: str | None = "auto",
    columns: Sequence[str] | None = None,
) -> Dataset:
    """Load the user's own features from an array or table file.

    Parameters
    ----------
    path : path
        - ``.npy``: an array [n, d];
        - ``.npz``: an array ``X`` [n, d] and optionally ``y`` [n], or a scipy sparse matrix, kept sparse;
        - ``.csv``, ``.parquet``: a table with column names, all of them numeric but that of the labels.
    labels : str, path or None
        The name of a column of the table, or a file of one label a row (.npy, or a .csv of one column).
    n_clusters : int or None
        Number of clusters to find; None: as many as there are distinct labels.
    scale : {"auto", None, "minmax", "standard"}
        "minmax" brings each column to 0-1, "standard" to mean 0 and variance 1, None leaves the values.
        "auto" is "standard" for a table, whose columns come in units of their own (years, euros), so that
        the noise of the networks would drown the small ones; "standard" and not "minmax", since one outlier
        squeezes all other values of a column under "minmax". An array is taken for features that were made
        to be comparable (pixels, tf-idf, embeddings), which scaling by column would spoil, and is left as
        it is; but one of 8-bit integers is taken for pixels and divided by 255.
    columns : sequence of str or None
        The columns of a table to cluster by; None: all but that of the labels.

    Returns
    -------
    Dataset
        Named after the file. X float32 [n, d], dense or CSR; y int64 [n] or None.

    Raises
    ------
    InputError
        Where the file is missing or unreadable, has columns that are not numbers, the labels do not fit,
        there are neither labels nor `n_clusters`, or `validate` finds fault with the values.
    """
    path = _existing(path, "dataset.path")
    X: np.ndarray | sp.csr_matrix
    names: list[str] | None = None
    if path.suffix in TABLE_ENDINGS:
        X, found, names = _from_table(path, labels, columns)
        scale = "standard" if scale == "auto" else scale
    elif path.suffix in ARRAY_ENDINGS:
        if columns is not None:
            raise InputError(f"dataset.columns={list(columns)} is for tables, not for {path}: leave it out")
        X, found = (read_npy(path), None) if path.suffix == ".npy" else read_npz(path)
        if labels is not None:
            found = _read_labels(labels)
        if scale == "auto":
            scale = None
            if X.dtype == np.uint8:
                X = X.astype(np.float32) / np.float32(255)
    else:
        raise InputError(f"{path} is of no kind known: {', '.join(ARRAY_ENDINGS + TABLE_ENDINGS)} are")

    y = None if found is None else encode_labels(found, str(labels or path))
    if n_clusters is None:
        if y is None:
            raise InputError(f"{path.name} has no labels to count: give n_clusters=K, or dataset.labels=...")
        n_clusters = len(np.unique(y))
    checked, y = validate(X, y, n_clusters, feature_names=names)
    if scale is not None:
        # Of the numbers as they were read: float32 keeps little of a column that varies about a large mean.
        checked = scale_columns(X, scale).astype(np.float32)
    _warn_of_large_values(checked)
    return Dataset(path.stem, checked, y, n_clusters)


def _existing(path: str | os.PathLike, setting: str) -> Path:
    file = Path(path).expanduser()
    if not file.is_file():
        raise InputError(f"{setting}={path}: there is no such file ({file.absolute()}): correct the path")
    return file


def _from_table(path: Path, labels: Any, columns: Sequence[str] | None) -> tuple[np.ndarray, Any, list[str]]:
    """Features, labels (or None) and the features' names."""
    table = read_table(path)
    found = None
    if labels is not None and str(labels) in table.columns:
        found = table.pop(str(labels))
    elif labels is not None and Path(labels).expanduser().is_file():
        found = _read_labels(labels)
    elif labels is not None:
        raise InputError(
            f"dataset.labels={labels} is neither a file nor one of {path}'s columns: {listed(table.columns)}"
        )
    features = numeric_columns(table, columns, str(path))
    return features.to_numpy(np.float64, na_value=np.nan), found, list(features.columns)


def _read_labels(labels: str | os.PathLike) -> Any:
    """The labels of a file of their own."""
    path = _existing(labels, "dataset.labels")
    if path.suffix == ".npy":
        return read_npy(path)
    if path.suffix in TABLE_ENDINGS:
        table = read_table(path)
        if len(table.columns) != 1:
            raise InputError(f"{path} has the columns {listed(table.columns)}: keep the one with the labels")
        return table.iloc[:, 0]
    raise InputError(f"dataset.labels={labels} is neither a .npy nor a .csv file: save the labels as one")


def _warn_of_large_values(X: np.ndarray | sp.csr_matrix) -> None:
    largest = float(max(X.max(), -X.min()))
    if largest > LARGE_VALUE:
        log.warning(
            "The values go up to %.3g, where the networks expect about 1: "
            "consider dataset.scale=minmax or dataset.scale=standard",
            largest,
        )
