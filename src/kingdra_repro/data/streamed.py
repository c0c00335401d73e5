"""A matrix that stays in its file: blocks of rows are read as they are needed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, TypeAlias, TypeVar

import numpy as np
import scipy.sparse as sp
from sklearn import config_context

from kingdra_repro.data.scaling import Scaler
from kingdra_repro.errors import InputError

BLOCK_BYTES = 2**22  # of float32, read at once
BUFFER_BYTES = 2**28  # of float32, shuffled at once; two of them are in memory
BLOCKS_OF_A_BUFFER = 16  # at least, so that small buffers mix rows from several places, too

_Item = TypeVar("_Item")


@dataclass(frozen=True, eq=False)
class StreamedMatrix:
    """A matrix [n, d] of numbers in a file, row after row, of which rows are given as float32.

    It is indexed as an array is, by one row number, a slice or an array of numbers. Only what is asked for is
    in memory, and the file is not mapped. It must not change while this is used.

    Parameters
    ----------
    path : Path
    offset : int, bytes before the first number
    stored : str, the dtype of the numbers in the file, such as "<f2"
    shape : (n, d)
    buffer_rows : int or None
        Rows that training shuffles at once; None: as many as take 256 MB.
    pixels : bool, whether they are divided by 255
    scaler : Scaler or None, of the columns
    checksum : str, CRC-32 of the numbers in the file
    """

    path: Path
    offset: int
    stored: str
    shape: tuple[int, int]
    buffer_rows: int | None = None
    pixels: bool = False
    scaler: Scaler | None = None
    checksum: str = ""

    ndim: ClassVar[int] = 2
    dtype: ClassVar[np.dtype] = np.dtype(np.float32)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: int | slice | np.ndarray) -> np.ndarray:
        """Rows as float32, [m, d] or of one row [d], scaled."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            return self.features(self.read(start, stop)[::step])
        numbers = self._read_each(np.atleast_1d(rows) % len(self))
        return self.features(numbers) if np.ndim(rows) else self.features(numbers)[0]

    def read(self, start: int, stop: int) -> np.ndarray:
        """Rows as they are in the file: [stop - start, d]."""
        n_rows, width = max(0, stop - start), self.shape[1]
        place = self.offset + start * width * np.dtype(self.stored).itemsize
        numbers = np.fromfile(self.path, self.stored, n_rows * width, offset=place)
        if len(numbers) < n_rows * width:
            raise self._shorter()
        return numbers.reshape(n_rows, width)

    def _read_each(self, rows: np.ndarray) -> np.ndarray:
        """Read some rows one by one, as they are in the file: pages of a map would stay in memory."""
        found = np.empty((len(rows), self.shape[1]), self.stored)
        bytes_of_row = found.view(np.uint8)
        with open(self.path, "rb", buffering=0) as file:
            for target, row in zip(bytes_of_row, rows.tolist(), strict=True):
                file.seek(self.offset + row * len(target))
                if file.readinto(target.data) < len(target):
                    raise self._shorter()
        return found

    def _shorter(self) -> InputError:
        return InputError(f"{self.path} has become shorter: leave a file as it is while a run reads it")

    def check_there(self) -> None:
        """Raise InputError where another process, perhaps on another machine, does not find the file."""
        end = self.offset + self.shape[0] * self.shape[1] * np.dtype(self.stored).itemsize
        if not self.path.is_file() or self.path.stat().st_size < end:
            raise InputError(f"{self.path} is not on every machine: put it into a folder that all share")

    def features(self, numbers: np.ndarray) -> np.ndarray:
        """Make features of numbers [m, d] as they are in the file: float32 [m, d]."""
        if self.pixels:
            return numbers.astype(np.float32) / np.float32(255)
        if self.scaler is not None:
            if numbers.dtype == np.float16:  # scikit-learn would compute in float16
                numbers = numbers.astype(np.float32)
            with config_context(assume_finite=True):  # it was looked at when it was validated
                numbers = self.scaler.transform(numbers)
        with np.errstate(over="ignore"):  # infinite: validation says so
            return numbers.astype(np.float32, copy=False)

    def blocks(self, n_rows: int) -> Iterator[np.ndarray]:
        """All rows in order, so many at once: float32 [m, d]; the next are read meanwhile."""
        starts = range(0, len(self), n_rows)
        return ahead(self[start : start + n_rows] for start in starts)

    @property
    def rows_of_a_buffer(self) -> int:
        """Rows that are shuffled at once."""
        return min(len(self), self.buffer_rows or max(1, BUFFER_BYTES // (4 * self.shape[1])))

    @property
    def rows_of_a_block(self) -> int:
        """Rows that are read at once."""
        most = max(1, BLOCK_BYTES // (4 * self.shape[1]))
        return max(1, min(most, self.rows_of_a_buffer // BLOCKS_OF_A_BUFFER))

    def described(self) -> str:
        """Tell in a line what is read from where, and how it is shuffled."""
        n, d = self.shape
        size = self.rows_of_a_buffer
        shuffled = "all at once" if size == n else f"{size:,} at once, in {-(-n // size)} parts"
        gigabytes = n * d * np.dtype(self.stored).itemsize / 1e9
        return (
            f"{self.path} stays on the disk ({gigabytes:.1f} GB); training shuffles its {n:,} rows {shuffled}"
        )

    def with_buffer(self, buffer_rows: int | None) -> "StreamedMatrix":
        """Return the same matrix, of which so many rows are shuffled at once."""
        return replace(self, buffer_rows=buffer_rows)


Matrix: TypeAlias = np.ndarray | sp.csr_matrix | StreamedMatrix


def streamed_npy(path: Path) -> tuple[StreamedMatrix, tuple[int, ...] | None] | None:
    """Return the array of a .npy file as a matrix that stays there, and the shape of a row that is a picture.

    None where it is not [n, d], or pictures [n, height, width] or [n, height, width, channels], row after
    row: an array in Fortran's order is not.
    """
    try:
        with open(path, "rb") as file:
            version = np.lib.format.read_magic(file)
            header = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, fortran, dtype = header(file)
            offset = file.tell()
    except Exception:  # Python reads the header, and finds many kinds of errors in it
        return None  # the reader of arrays says what is wrong
    width = int(np.prod(shape[1:], dtype=np.int64))
    whole = path.stat().st_size == offset + shape[0] * width * dtype.itemsize if shape else False
    rows = len(shape) in (2, 3) or (len(shape) == 4 and shape[3] in (1, 3))
    if fortran or not rows or not whole or dtype.kind not in "fiub" or 0 in shape:
        return None
    picture = shape[1:3] if len(shape) == 3 or shape[3:] == (1,) else shape[1:] if len(shape) == 4 else None
    return StreamedMatrix(path.absolute(), offset, dtype.str, (shape[0], width)), picture


def ahead(items: Iterator[_Item]) -> Iterator[_Item]:
    """Make the next of some items in another thread while one is used."""
    with ThreadPoolExecutor(1) as other:
        following = other.submit(next, items, None)
        while (item := following.result()) is not None:
            following = other.submit(next, items, None)
            yield item
