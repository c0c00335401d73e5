"""What tells the clusters apart where there are no pictures: their strongest words or columns."""

from typing import Any

import numpy as np
import scipy.sparse as sp

from kingdra_repro.data.dataset import Dataset

ROWS_AT_ONCE = 4096  # of a matrix that may be a memory map larger than the memory


def strongest_features(data: Dataset, labels: np.ndarray, k: int, n_shown: int) -> list[list[list[Any]]]:
    """The columns that stand out most in each cluster.

    Parameters
    ----------
    data : Dataset
    labels : int array [n], 0..k-1
    k : int
    n_shown : int
        Columns for each cluster, at most.

    Returns
    -------
    list of k lists of ``[column's name, mean in the cluster, mean of all rows]``
        Of words (a sparse matrix), those by whose mean weight the cluster is most above the whole set: the
        largest means alone would be those of words that are frequent everywhere. Of other columns, those
        whose mean is most standard deviations above or below that of the whole set.
    """
    sums, squares = _sums(data.X, labels, k)
    sizes = np.bincount(labels, minlength=k)
    means = sums / np.maximum(sizes, 1)[:, None]
    overall = sums.sum(0) / len(labels)
    above = means - overall
    if not sp.issparse(data.X):
        spread = np.sqrt(np.maximum(squares / len(labels) - overall**2, 0))
        above = np.abs(np.divide(above, spread, out=np.zeros_like(above), where=spread > 0))
    found: list[list[list[Any]]] = []
    for cluster in range(k):
        order = np.argsort(-above[cluster], kind="stable")[:n_shown]
        shown = [column for column in order if above[cluster, column] > 0] if sizes[cluster] else []
        found.append([[_name(data, c), _short(means[cluster, c]), _short(overall[c])] for c in shown])
    return found


def strongest_words(data: Dataset, row: int, n_shown: int) -> list[str]:
    """The words of largest weight in one row of a sparse matrix."""
    assert isinstance(data.X, sp.csr_matrix)
    start, stop = data.X.indptr[row], data.X.indptr[row + 1]
    columns, weights = data.X.indices[start:stop], data.X.data[start:stop]
    return [_name(data, columns[place]) for place in np.argsort(-weights, kind="stable")[:n_shown]]


def _name(data: Dataset, column: int) -> str:
    """A column's name; its number where it has none."""
    return f"column {column}" if data.feature_names is None else str(data.feature_names[column])


def _sums(X: np.ndarray | sp.csr_matrix, labels: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each column the sum in each cluster, float64 [k, d], and the sum of all squares, float64 [d]."""
    n, d = X.shape
    sums, squares = np.zeros((k, d)), np.zeros(d)
    for start in range(0, n, ROWS_AT_ONCE):
        piece = X[start : start + ROWS_AT_ONCE].astype(np.float64)
        m = piece.shape[0]
        of_cluster = sp.csr_matrix((np.ones(m), (labels[start : start + m], np.arange(m))), shape=(k, m))
        part = of_cluster @ piece
        sums += part.toarray() if sp.issparse(part) else part
        squares += np.asarray(
            piece.multiply(piece).sum(0) if sp.issparse(piece) else (piece**2).sum(0)
        ).ravel()
    return sums, squares


def _short(value: float) -> float:
    return float(f"{value:.4g}")
