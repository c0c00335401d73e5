"""Validation of features, labels and the number of clusters, shared by all data sources."""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from kingdra_repro.checks import is_integer
from kingdra_repro.errors import SCALING, InputError

log = logging.getLogger(__name__)

MIN_MAGNITUDE = 1e-18  # ten times the square root of float32's smallest normal number, about 1e-38
SMALL_VALUE = 0.05  # observed: Ladder-IM finds three blobs if their values go up to 1, but not up to 0.01
LARGE_MEAN_SQUARE = 25.0  # scaled columns have about 1
LARGE_VALUE = 10  # the networks' noise and learning rates are meant for values of about 1
# Rows are checked in pieces of about this many numbers, so that a memory map is never loaded as a whole.
NUMBERS_AT_ONCE = 1 << 22


def validate(
    X: Any,
    y: Any,
    n_clusters: int,
    *,
    feature_names: Sequence[str] | None = None,
) -> tuple[np.ndarray | sp.csr_matrix, np.ndarray | None]:
    """Check features, labels and number of clusters, and convert them to the types used everywhere else.

    Parameters
    ----------
    X : array-like or scipy sparse matrix [n, d] of numbers
    y : integers [n] or None
        Classes 0..c-1 (see `encode_labels`).
    n_clusters : int
        k, from 2 to n.
    feature_names : sequence of str or None
        Names of the columns, for the messages.

    Returns
    -------
    X : float32 ndarray or CSR matrix [n, d]
        A float32 ndarray, including a memory map, is returned as the same object.
    y : int64 ndarray [n] or None

    Raises
    ------
    InputError
        If X is not numeric, is complex, does not have two axes, has no rows or columns, or has NaN or
        infinite values; if k < 2 or k > n; if labels have another length or are not integers from 0. The
        message is one line with the value (and its row and column in X) and the remedy.
    """
    X = validate_features(X, feature_names)
    check_n_clusters(n_clusters, X.shape[0])
    return X, checked_labels(y, X.shape[0])


def validate_features(
    X: Any, feature_names: Sequence[str] | None = None, first_row: int = 0
) -> np.ndarray | sp.csr_matrix:
    """Check features alone, as `validate` does; messages count rows from `first_row`."""
    X = _as_float32(X)
    for length, what, remedy in zip(X.shape, ("sample", "feature"), ("rows", "columns"), strict=True):
        if length == 0:
            raise InputError(
                f"Found array with 0 {what}(s) (shape={X.shape}) while a minimum of 1 is required. Give it "
                f"{remedy}"
            )
    check_finite(X, feature_names, first_row)
    return X


def check_n_clusters(n_clusters: int, n_samples: int) -> None:
    """Raise InputError unless `n_clusters` is an integer from 2 to `n_samples`."""
    if not is_integer(n_clusters, 2):
        raise InputError(f"n_clusters must be an integer from 2 to {n_samples}; got {n_clusters!r}")
    if n_clusters > n_samples:
        raise InputError(f"n_clusters must be at most n_samples={n_samples}; got {n_clusters}")


def _as_float32(X: Any) -> np.ndarray | sp.csr_matrix:
    values: Any = X if sp.issparse(X) else np.asanyarray(X)
    kind = values.dtype.kind
    if kind == "c":
        raise InputError(f"Complex data not supported: X is {values.dtype}; take its real part or modulus")
    if kind not in "fiubO":
        raise InputError(f"X is not numeric (dtype {values.dtype}): turn every column into numbers first")
    if len(values.shape) != 2:
        raise InputError(
            f"X has shape {values.shape}, not [rows, features]. Reshape your data: X.reshape(-1, 1) for a "
            "single feature, X.reshape(len(X), -1) for pictures"
        )
    # Values too large for float32 become infinite here, and are reported as such.
    with np.errstate(over="ignore"):
        if sp.issparse(X):
            return canonical_csr(X, np.float32)
        try:
            return values.astype(np.float32, copy=False)
        except (TypeError, ValueError) as error:
            raise InputError(f"X is not numeric ({error}): turn every column into numbers first") from error


def canonical_csr(X: Any, dtype: type | None = None) -> sp.csr_matrix:
    """Convert any scipy sparse matrix to CSR with sorted indices and no duplicates; X is not modified."""
    rows = sp.csr_matrix(X, dtype=dtype)
    if not rows.has_canonical_format:
        # The sum of small integers may exceed their type.
        rows = rows.astype(np.float64) if rows.dtype.kind in "iub" else rows.copy()
        rows.sum_duplicates()
    return rows


def _pieces(X: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield blocks of rows, each with the index of its first row."""
    rows = max(1, NUMBERS_AT_ONCE // X.shape[1])
    for start in range(0, len(X), rows):
        yield start, X[start : start + rows]


def check_finite(
    X: np.ndarray | sp.csr_matrix, feature_names: Sequence[str] | None, first_row: int = 0
) -> None:
    """Raise InputError if X [n, d] has a value that is not finite; messages count rows from `first_row`."""
    row = column = -1
    if isinstance(X, sp.csr_matrix):
        bad = np.flatnonzero(~np.isfinite(X.data))
        if len(bad):
            row = int(np.searchsorted(X.indptr, bad[0], side="right")) - 1
            column = int(X.indices[bad[0]])
    else:
        for start, piece in _pieces(X):
            finite = np.isfinite(piece)
            if not finite.all():
                row, column = (int(i) for i in np.argwhere(~finite)[0])
                row += start
                break
    if row < 0:
        return
    what = "NaN (a missing value)" if np.isnan(X[row, column]) else "infinite or too large for float32 (inf)"
    where = f"row {first_row + row}, {_column(column, feature_names)}"
    raise InputError(
        f"X has a value that is {what} in {where} (counted from 0): "
        "fill it in, or leave the row or the column out"
    )


def _largest(X: np.ndarray | sp.csr_matrix) -> float:
    """Return the largest absolute value; negated as a float, since X may be of an unsigned dtype."""
    return max(float(X.max()), -float(X.min()))


def check_magnitude(X: np.ndarray | sp.csr_matrix) -> None:
    """Raise InputError if squared distances between rows of X [n, d] overflow in float32, or vanish."""
    largest = _largest(X)
    if 0 < largest < MIN_MAGNITUDE:
        raise InputError(
            f"X has no values above {largest:.3g}, whose squares are 0 in float32: scale it ({SCALING})"
        )
    if largest > (float(np.finfo(np.float32).max) / X.shape[1]) ** 0.5 / 2:
        raise InputError(
            f"X has values up to {largest:.3g}, whose squares float32 does not hold: scale it ({SCALING})"
        )


def warn_of_small_values(X: np.ndarray | sp.csr_matrix) -> None:
    """Log a warning if the values of X [n, d] are lost in the noise that networks are trained with."""
    largest = _largest(X)
    if 0 < largest < SMALL_VALUE:
        log.warning(
            "The values go up to %.3g only, where the networks expect about 1, and noise of that size may "
            "hide them: scale them (%s)",
            largest,
            SCALING,
        )


def check_spread(X: np.ndarray | sp.csr_matrix, feature_names: Sequence[str] | None = None) -> None:
    """Raise InputError if float32, in which everything is computed, hardly resolves the values of a column.

    That is the case if their standard deviation is less than ten float32 steps at the largest value, as for a
    time in seconds since 1970 that varies by a few minutes.
    """
    if sp.issparse(X) or X.dtype == np.float32 or X.dtype.kind not in "fiu":
        return
    spread = X.std(axis=0, dtype=np.float64)
    check_spread_of(X.min(axis=0), X.max(axis=0), spread, lambda i: X[:, i].mean(), feature_names)


def check_spread_of(
    lowest: np.ndarray,
    highest: np.ndarray,
    spread: np.ndarray,
    mean: Callable[[int], float],
    feature_names: Sequence[str] | None,
) -> None:
    """Check as `check_spread`, given the columns' minima, maxima and standard deviations [d], and means."""
    step = np.maximum(highest, -lowest.astype(np.float64)) * np.finfo(np.float32).eps
    # A constant column is allowed, though rounding may make its standard deviation more than 0.
    lost = np.flatnonzero((lowest < highest) & (spread < 10 * step))
    if len(lost):
        i = int(lost[0])
        raise InputError(
            f"{_column(i, feature_names)} varies by {spread[i]:.3g} about {mean(i):.6g}, which "
            f"float32 hardly resolves: subtract its mean, or scale the columns ({SCALING})"
        )


def extremes_of_columns(X: np.ndarray | sp.csr_matrix) -> list[np.ndarray]:
    """Return the minimum and the maximum of each column, [d] each."""
    extremes: Any = X.min(axis=0), X.max(axis=0)
    return [row.toarray()[0] if sp.issparse(X) else row for row in extremes]


def warn_of_constant_columns(X: np.ndarray | sp.csr_matrix, feature_names: Sequence[str] | None) -> None:
    """Log a warning if columns of X [n, d] are constant."""
    lowest, highest = extremes_of_columns(X)
    constant = np.flatnonzero(lowest == highest)
    if len(constant):
        log.warning(
            "%d of %d columns are constant and carry no information (the first: %s)",
            len(constant),
            X.shape[1],
            _column(int(constant[0]), feature_names),
        )


def warn_of_large_values(X: np.ndarray | sp.csr_matrix, scale: str | None) -> None:
    """Log a warning if values of X [n, d], after scaling by `scale`, are larger than the networks expect."""
    largest = _largest(X)
    if largest > LARGE_VALUE:
        log.warning(
            "The values go up to %.3g, where the networks expect about 1: consider %s",
            largest,
            " or ".join(f"dataset.scale={other}" for other in ("minmax", "standard") if other != scale),
        )


class ScaleWarning(UserWarning):
    """Warning that the values of X are far from what the networks expect."""


def warn_of_scale(X: np.ndarray | sp.csr_matrix) -> None:
    """Warn if the mean square of X [n, d] is far above 1, as it is for pixels from 0 to 255.

    For data given in Python; for files, whose scaling is a setting, see `warn_of_large_values`.
    """
    pieces = [X.data[None]] if isinstance(X, sp.csr_matrix) else (piece for _, piece in _pieces(X))
    squares = sum(float(np.square(piece, dtype=np.float64).sum()) for piece in pieces)
    if squares > LARGE_MEAN_SQUARE * X.shape[0] * X.shape[1]:
        lowest, highest = float(X.min()), float(X.max())
        pixels = lowest >= 0 and highest <= 255 and highest.is_integer()
        remedy = "divide pixels by their largest value" if pixels else "scale the columns"
        warnings.warn(
            f"The values of X go from {lowest:.3g} to {highest:.3g}, where the networks expect about 1: "
            f"{remedy}",
            ScaleWarning,
            stacklevel=2,
        )


def _column(column: int, feature_names: Sequence[str] | None) -> str:
    return f"column {column}" if feature_names is None else f"column {feature_names[column]!r}"


def checked_labels(y: Any, n: int) -> np.ndarray | None:
    """Check labels alone, as `validate` does, and return them as int64."""
    if y is None:
        return None
    y = np.asarray(y)
    if y.shape != (n,):
        raise InputError(f"The labels must have shape ({n},), one label for each row of X; got {y.shape}")
    if y.dtype.kind not in "iub":
        raise InputError(f"The labels must be integers from 0; got {y.dtype}: number the classes first")
    if y.size and y.min() < 0:
        raise InputError(
            f"The labels must be integers from 0; got {y.min()}: give a label of each row, or none at all"
        )
    return y.astype(np.int64, copy=False)
