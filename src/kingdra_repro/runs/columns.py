"""The columns of a data set that characterise its clusters and its points, for reports."""

from typing import Any

import numpy as np
import scipy.sparse as sp

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.streamed import Matrix, is_sparse

ROWS_AT_ONCE = 4096  # X may be memory-mapped and larger than memory


def top_features(data: Dataset, labels: np.ndarray, k: int, n_shown: int) -> list[list[list[Any]]]:
    """Return the columns that stand out most in each of k clusters, at most `n_shown` per cluster.

    Each is ``[column's name, mean in the cluster, mean of all rows]``, in the units of the file. For words (a
    sparse matrix), these are the columns whose mean in the cluster exceeds the overall mean most: the largest
    means alone would belong to words that are frequent everywhere. For other columns, these are the ones
    whose mean in the cluster is the most standard deviations above or below the overall mean.
    """
    sums, squares = _sums(data.X, labels, k)
    sizes = np.bincount(labels, minlength=k)
    means, overall = sums / np.maximum(sizes, 1)[:, None], sums.sum(0) / len(labels)
    above = means - overall
    if not is_sparse(data.X):
        spread = np.sqrt(np.maximum(squares / len(labels) - overall**2, 0))
        above = np.abs(np.divide(above, spread, out=np.zeros_like(above), where=spread > 0))
    means, overall = data.unscale(means), data.unscale(overall[None])[0]
    found: list[list[list[Any]]] = []
    for cluster in range(k):
        order = np.argsort(-above[cluster], kind="stable")[:n_shown]
        shown = [column for column in order if above[cluster, column] > 0] if sizes[cluster] else []
        found.append([[column_name(data, c), short(means[cluster, c]), short(overall[c])] for c in shown])
    return found


def strongest_words(data: Dataset, row: int, n_shown: int) -> list[str]:
    """Return the words with the largest weights in one row of a sparse matrix, the largest first."""
    assert is_sparse(data.X)
    words: Any = data.X[np.array([row])]
    return [column_name(data, words.indices[i]) for i in np.argsort(-words.data, kind="stable")[:n_shown]]


def column_name(data: Dataset, column: int) -> str:
    """Return a column's name, or "column" and its index if it has none."""
    return f"column {column}" if data.feature_names is None else str(data.feature_names[column])


def _sums(X: Matrix, labels: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of each column in each cluster, float64 [k, d], and its sum of squares, float64 [d]."""
    n, d = X.shape
    sums, squares = np.zeros((k, d)), np.zeros(d)
    for start in range(0, n, ROWS_AT_ONCE):
        piece: Any = X[start : start + ROWS_AT_ONCE].astype(np.float64)
        m = piece.shape[0]
        of_cluster = sp.csr_matrix((np.ones(m), (labels[start : start + m], np.arange(m))), shape=(k, m))
        part = of_cluster @ piece
        sums += part if isinstance(part, np.ndarray) else part.toarray()
        squares += np.asarray(
            piece.multiply(piece).sum(0) if isinstance(piece, sp.csr_matrix) else (piece**2).sum(0)
        ).ravel()
    return sums, squares


def short(value: float) -> float:
    """Round to four significant digits, or to a whole number from 10,000 on."""
    return float(f"{value:.4g}") if abs(value) < 1e4 else float(round(value))


def discriminative_columns(data: Dataset, labels: np.ndarray, n_shown: int) -> np.ndarray:
    """Return the columns of a dense X that differ most between clusters, at most `n_shown`, in file order.

    These are the columns with the largest share of variance between clusters (eta squared).
    """
    k = int(labels.max()) + 1
    sums, squares = _sums(data.X, labels, k)
    sizes = np.maximum(np.bincount(labels, minlength=k), 1)[:, None]
    whole = sums.sum(0) ** 2 / len(labels)
    between, total = (sums**2 / sizes).sum(0) - whole, squares - whole
    share = np.divide(between, total, out=np.zeros_like(total), where=total > 1e-9 * squares)
    return np.sort(np.argsort(-share, kind="stable")[:n_shown])


def values_of(data: Dataset, rows: np.ndarray, columns: np.ndarray) -> list[list[float]]:
    """Return the values of some rows and columns of a dense X, in the units of the file."""
    assert not is_sparse(data.X)
    if not len(rows):
        return []
    features: Any = data.X[rows]
    shown = data.unscale(features)[:, columns]
    for place, column in enumerate(columns):
        cells = None if data.table is None else data.table.get(column_name(data, column))
        if cells is not None and isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "iu":
            shown[:, place] = cells.iloc[rows]  # float32 cannot hold all digits of a large integer
    return [[short(value) for value in row] for row in shown]
