"""A matrix that stays in its file: blocks of rows are read as they are needed."""

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

BLOCK_BYTES = 2**22  # of float32, read at once
BUFFER_BYTES = 2**28  # of float32, shuffled at once; two of them are in memory
BLOCKS_OF_A_BUFFER = 16  # at least, so that small buffers mix rows from several places, too

_Item = TypeVar("_Item")


@dataclass(frozen=True, eq=False)
class StreamedMatrix:
    """A matrix [n, d] of numbers in a file, of which rows are given as float32, of a sparse one as CSR.

    Its rows are indexed as an array's are: by one number, a slice, numbers, or a mask of all rows. Only what
    is asked for is in memory, and the file is not mapped. It must not change while this is used.

    Parameters
    ----------
    stored : StoredRows or StoredCSR, the numbers as they are in the file
    buffer_rows : int or None
        Rows that training shuffles at once; None: as many as take 256 MB.
    pixels : bool, whether they are divided by 255
    scaler : Scaler or None, of the columns
    checksum : str, CRC-32 of the numbers in the file; of a sparse matrix also of where they stand
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
        """Rows as float32, scaled: [m, d], or of one row [d]; CSR [m, d] of a sparse matrix.

        Parameters
        ----------
        rows : int, slice, integers [m] of which negative ones count from the end, or bool [n]

        Raises
        ------
        IndexError
            Beyond the rows, for a mask of another length, and for columns.
        """
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step > 0:
                return self.features(self.stored.read(start, max(start, stop))[::step])
            rows = np.arange(start, stop, step)
        numbers = self.stored.read_each(np.atleast_1d(self._counted(rows)))
        return self.features(numbers) if np.ndim(rows) else self.features(numbers)[0]

    def _counted(self, rows: int | np.ndarray) -> np.ndarray:
        """Return row numbers from 0 on, int64 [m], or [] of one."""
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
        """Make features of numbers [m, d] as they are in the file: float32 [m, d]."""
        if self.pixels:
            numbers = numbers.astype(np.float32) / np.float32(255)
        elif self.scaler is not None:
            if numbers.dtype == np.float16:  # scikit-learn would compute in float16
                numbers = numbers.astype(np.float32)
            with config_context(assume_finite=True):  # it was looked at when it was validated
                numbers = self.scaler.transform(numbers)
        with np.errstate(over="ignore"):  # infinite: validation says so
            if sp.issparse(numbers):
                return canonical_csr(numbers, np.float32)
            return numbers.astype(np.float32, copy=False)

    def blocks(self, n_rows: int) -> Iterator[Any]:
        """All rows in order, so many at once, as a slice gives them; the next are read meanwhile."""
        starts = range(0, len(self), n_rows)
        return ahead(self[start : start + n_rows] for start in starts)

    @property
    def rows_of_a_buffer(self) -> int:
        """Rows that are shuffled at once."""
        return min(len(self), self.buffer_rows or max(1, BUFFER_BYTES // self.stored.bytes_of_a_row))

    @property
    def rows_of_a_block(self) -> int:
        """Rows that are read at once."""
        most = max(1, BLOCK_BYTES // self.stored.bytes_of_a_row)
        return max(1, min(most, self.rows_of_a_buffer // BLOCKS_OF_A_BUFFER))

    def described(self) -> str:
        """Tell in a line what is read from where, and how it is shuffled."""
        n, size, gigabytes = len(self), self.rows_of_a_buffer, self.stored.n_bytes / 1e9
        shuffled = "all at once" if size == n else f"{size:,} at once, in {-(-n // size)} parts"
        return (
            f"{self.path} stays on the disk ({gigabytes:.1f} GB); training shuffles its {n:,} rows {shuffled}"
        )


Matrix: TypeAlias = np.ndarray | sp.csr_matrix | StreamedMatrix


def is_sparse(X: Matrix) -> bool:
    """Whether rows of a matrix are sparse ones."""
    return X.is_sparse if isinstance(X, StreamedMatrix) else sp.issparse(X)


def ahead(items: Iterator[_Item]) -> Iterator[_Item]:
    """Make the next of some items in another thread while one is used."""
    with ThreadPoolExecutor(1) as other:
        following = other.submit(next, items, None)
        while (item := following.result()) is not None:
            following = other.submit(next, items, None)
            yield item
