"""`StreamedMatrix`, a matrix that stays in its file: blocks of rows are read on demand."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
import scipy.sparse as sp
from sklearn import config_context

from kingdra_repro.data.formats.stored_csr import StoredCSR
from kingdra_repro.data.formats.stored_rows import StoredRows
from kingdra_repro.data.scaling import Scaler
from kingdra_repro.data.validation import canonical_csr

BLOCK_BYTES = 2**22  # of float32 values, read at once
BUFFER_BYTES = 2**28  # of float32 values, shuffled at once; two buffers are in memory
MIN_BLOCKS_PER_BUFFER = 16  # so that small buffers also mix rows from several places in the file

_Item = TypeVar("_Item")


@dataclass(frozen=True, eq=False)
class StreamedMatrix:
    """A matrix [n, d] in a file, whose rows are read as float32: dense, or CSR if the matrix is sparse.

    Rows are indexed as in a NumPy array: by an integer, a slice, an integer array, or a boolean mask. Only
    the selected rows are in memory; the file is not memory-mapped. It must not change while this is in use.

    Parameters
    ----------
    stored : StoredRows or StoredCSR, the numbers as stored in the file
    buffer_rows : int or None
        Number of rows that training shuffles at once; None: as many as take 256 MB.
    pixels : bool, whether the numbers are divided by 255
    scaler : Scaler or None, scales the columns
    checksum : str, CRC-32 of the numbers in the file and, if the matrix is sparse, of their positions
    """

    stored: StoredRows | StoredCSR
    buffer_rows: int | None = None
    pixels: bool = False
    scaler: Scaler | None = None
    checksum: str = ""

    ndim: ClassVar[int] = 2
    dtype: ClassVar[np.dtype] = np.dtype(np.float32)

    @property
    def path(self) -> Path:
        return self.stored.path

    @property
    def shape(self) -> tuple[int, int]:
        return self.stored.shape

    @property
    def is_sparse(self) -> bool:
        return isinstance(self.stored, StoredCSR)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: int | slice | np.ndarray) -> Any:
        """Return rows as scaled float32: [m, d], or [d] for a single row; CSR if the matrix is sparse.

        Parameters
        ----------
        rows : int, slice, integer array [m] (negative values count from the end), or boolean array [n]

        Raises
        ------
        IndexError
            If a row is out of bounds, a mask has another length, or the index is of any other kind.
        """
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step > 0:
                return self.features(self.stored.read(start, max(start, stop))[::step])
            rows = np.arange(start, stop, step)
        numbers = self.stored.read_rows(np.atleast_1d(self._row_indices(rows)))
        return self.features(numbers) if np.ndim(rows) else self.features(numbers)[0]

    def _row_indices(self, rows: int | np.ndarray) -> np.ndarray:
        """Return non-negative row indices: int64 [m], or a scalar array for a single row."""
        n, found = len(self), np.asarray(rows)
        if isinstance(rows, tuple) or found.ndim > 1:
            raise IndexError("a StreamedMatrix is indexed by its rows alone, of one dimension")
        if found.dtype == bool:
            if found.shape != (n,):
                raise IndexError(f"a mask of shape {found.shape} does not fit {n} rows")
            return np.flatnonzero(found)
        if found.size and found.dtype.kind not in "iu":
            raise IndexError(f"rows are integers, a slice or a mask; got {found.dtype}")
        if found.size and (found.min() < -n or found.max() >= n):
            beyond = found.max() if found.max() >= n else found.min()
            raise IndexError(f"row {beyond} is out of bounds for {n} rows")
        return found.astype(np.int64) % n

    def features(self, numbers: np.ndarray | sp.csr_matrix) -> np.ndarray | sp.csr_matrix:
        """Convert numbers [m, d], as stored in the file, to features: float32 [m, d]."""
        if self.pixels:
            numbers = numbers.astype(np.float32) / np.float32(255)
        elif self.scaler is not None and numbers.shape[0]:  # scikit-learn refuses 0 rows
            if numbers.dtype == np.float16:  # scikit-learn would compute in float16
                numbers = numbers.astype(np.float32)
            # Finite, as was checked when it was validated; an array, whatever the caller has set.
            with config_context(assume_finite=True, transform_output="default"):
                numbers = self.scaler.transform(numbers)
        with np.errstate(over="ignore"):  # overflow gives inf, which validation reports
            if sp.issparse(numbers):
                return canonical_csr(numbers, np.float32)
            return numbers.astype(np.float32, copy=False)

    def blocks(self, n_rows: int) -> Iterator[Any]:
        """Iterate over all rows in order, `n_rows` at a time; the next block is read in the background."""
        starts = range(0, len(self), n_rows)
        return prefetch(self[start : start + n_rows] for start in starts)

    @property
    def rows_per_buffer(self) -> int:
        """Number of rows that are shuffled at once."""
        return min(len(self), self.buffer_rows or max(1, BUFFER_BYTES // self.stored.bytes_per_row))

    @property
    def rows_per_block(self) -> int:
        """Number of rows that are read at once."""
        most = max(1, BLOCK_BYTES // self.stored.bytes_per_row)
        return max(1, min(most, self.rows_per_buffer // MIN_BLOCKS_PER_BUFFER))

    def summary(self) -> str:
        """Return one line that says what is read from where, and how it is shuffled."""
        n, size, gigabytes = len(self), self.rows_per_buffer, self.stored.n_bytes / 1e9
        shuffled = "all at once" if size == n else f"{size:,} at once, in {-(-n // size)} parts"
        return (
            f"{self.path} stays on the disk ({gigabytes:.1f} GB); training shuffles its {n:,} rows {shuffled}"
        )


Matrix: TypeAlias = np.ndarray | sp.csr_matrix | StreamedMatrix


def is_sparse(X: Matrix) -> bool:
    """Return whether a matrix is sparse."""
    return X.is_sparse if isinstance(X, StreamedMatrix) else sp.issparse(X)


def prefetch(items: Iterator[_Item]) -> Iterator[_Item]:
    """Yield the items in order; another thread computes the next one while the current one is used."""
    with ThreadPoolExecutor(1) as other:
        following = other.submit(next, items, None)
        while (item := following.result()) is not None:
            following = other.submit(next, items, None)
            yield item
