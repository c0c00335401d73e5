"""Dense matrices whose rows are read from a file, such as a .npy, on demand."""

from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from kingdra_repro.errors import InputError


@dataclass(frozen=True)
class StoredArray:
    """Contiguous numbers in a file. It is not memory-mapped, and must not change while this object is used.

    Parameters
    ----------
    path : Path
    offset : int, bytes before the first number
    dtype : str, such as "<f2"
    length : int
    """

    path: Path
    offset: int
    dtype: str
    length: int

    @property
    def itemsize(self) -> int:
        return np.dtype(self.dtype).itemsize

    @property
    def n_bytes(self) -> int:
        return self.length * self.itemsize

    def read(self, start: int, stop: int) -> np.ndarray:
        """Read the numbers start..stop-1: array [stop - start]."""
        found = np.fromfile(self.path, self.dtype, stop - start, offset=self.offset + start * self.itemsize)
        if len(found) < stop - start:
            raise self._shorter()
        return found

    def read_spans(self, spans: np.ndarray) -> np.ndarray:
        """Read and concatenate the numbers of `spans` [m, 2], each a start and a stop.

        This uses no memory map, whose pages would stay in memory.
        """
        found = np.empty(int((spans[:, 1] - spans[:, 0]).sum()), self.dtype)
        left = found.view(np.uint8).data
        with open(self.path, "rb", buffering=0) as file:
            for start, stop in spans.tolist():
                n_bytes = (stop - start) * self.itemsize
                file.seek(self.offset + start * self.itemsize)
                if file.readinto(left[:n_bytes]) < n_bytes:
                    raise self._shorter()
                left = left[n_bytes:]
        return found

    def check_exists(self) -> None:
        """Raise InputError if this process, perhaps on another machine, cannot find the complete file."""
        if not self.path.is_file() or self.path.stat().st_size < self.offset + self.n_bytes:
            raise InputError(f"{self.path} is not on every machine: put it into a folder that all share")

    def _shorter(self) -> InputError:
        return InputError(f"{self.path} has become shorter: leave a file as it is while a run reads it")


@dataclass(frozen=True)
class StoredRows:
    """A dense matrix in a file, in row-major order.

    Parameters
    ----------
    numbers : StoredArray
    shape : (n, d)
    """

    numbers: StoredArray
    shape: tuple[int, int]

    @property
    def path(self) -> Path:
        return self.numbers.path

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.numbers.dtype)

    @property
    def n_bytes(self) -> int:
        """Size in the file in bytes."""
        return self.numbers.n_bytes

    @property
    def bytes_per_row(self) -> int:
        """Size of a row in memory in bytes, as float32."""
        return 4 * self.shape[1]

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return rows start..stop-1, unchanged: array [stop - start, d]."""
        width = self.shape[1]
        return self.numbers.read(start * width, stop * width).reshape(-1, width)

    def read_rows(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows with the indices `rows` [m], unchanged: array [m, d]."""
        width = self.shape[1]
        return self.numbers.read_spans(np.stack([rows, rows + 1], 1) * width).reshape(-1, width)

    def check_exists(self) -> None:
        """See `StoredArray.check_exists`."""
        self.numbers.check_exists()


def npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Read the header of an array in NumPy's format: shape, whether it is in Fortran order, and dtype.

    Raises
    ------
    Exception
        Of many kinds, because NumPy parses the header as a Python literal.
    """
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read:
        raise ValueError(f"version {version} of NumPy's format")
    return read[version](file)


def open_npy(path: Path) -> tuple[StoredRows, tuple[int, ...] | None] | None:
    """Open the array of a .npy file without reading it.

    Return its rows, and the shape of a picture if the rows are pictures, else None. Return None instead of
    both if the file is not a non-empty numeric array in row-major order with the shape [n, d],
    [n, height, width] or [n, height, width, channels] (1 or 3 channels).
    """
    try:
        with open(path, "rb") as file:
            shape, fortran, dtype = npy_header(file)
            offset = file.tell()
    except Exception:
        return None  # `read_npy` will report what is wrong
    width = int(np.prod(shape[1:], dtype=np.int64))
    whole = path.stat().st_size == offset + shape[0] * width * dtype.itemsize if shape else False
    rows = len(shape) in (2, 3) or (len(shape) == 4 and shape[3] in (1, 3))
    if fortran or not rows or not whole or dtype.kind not in "fiub" or 0 in shape:
        return None
    picture = shape[1:3] if len(shape) == 3 or shape[3:] == (1,) else shape[1:] if len(shape) == 4 else None
    numbers = StoredArray(path.absolute(), offset, dtype.str, shape[0] * width)
    return StoredRows(numbers, (shape[0], width)), picture
