"""A sparse matrix, written by `scipy.sparse.save_npz`, whose rows are read from the file on demand."""

import struct
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from typing import Any, BinaryIO
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import scipy.sparse as sp

from kingdra_repro.data.formats.arrays import unreadable
from kingdra_repro.data.formats.cached_copy import cached_copy
from kingdra_repro.data.formats.stored_rows import StoredArray, npy_header
from kingdra_repro.errors import InputError

ABOUT = ("format.npy", "shape.npy")
ARRAYS = ("data.npy", "indices.npy", "indptr.npy")
MEMBERS = ABOUT + ARRAYS
MAX_ABOUT_BYTES = 1000  # maximum size in bytes of the two files in ABOUT together
ZIP_LENGTHS_OFFSET = 26  # offset of the two length fields in the local header of a file in a .zip


@dataclass(frozen=True)
class StoredCSR:
    """A CSR matrix in a .npz file.

    Parameters
    ----------
    data, indices, indptr : StoredArray
        A compressed array has offset -1 and cannot be read; `unpacked` returns a matrix that can.
    shape : (n, d)
    """

    data: StoredArray
    indices: StoredArray
    indptr: StoredArray
    shape: tuple[int, int]

    @property
    def path(self) -> Path:
        return self.data.path

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.data.dtype)

    @property
    def n_bytes(self) -> int:
        """Uncompressed size of the arrays in bytes."""
        return self.data.n_bytes + self.indices.n_bytes + self.indptr.n_bytes

    @property
    def bytes_per_row(self) -> int:
        """Average size of a row in memory in bytes, with float32 values and 4-byte indices."""
        return -(-8 * self.data.length // self.shape[0]) + 4

    def read(self, start: int, stop: int) -> sp.csr_matrix:
        """Return rows start..stop-1 as CSR [stop - start, d], with duplicate entries summed."""
        ends = self.indptr.read(start, stop + 1)
        first, last = self._inside(ends[0], ends[-1])
        return self._matrix(self.data.read(first, last), self.indices.read(first, last), ends - ends[0])

    def read_rows(self, rows: np.ndarray) -> sp.csr_matrix:
        """Return the rows with the indices `rows` [m] as CSR [m, d], with duplicate entries summed."""
        spans = self.indptr.read_spans(np.stack([rows, rows + 2], 1)).reshape(-1, 2)
        for span in spans:
            self._inside(*span)
        indptr = np.concatenate([[0], np.cumsum(spans[:, 1] - spans[:, 0])])
        return self._matrix(self.data.read_spans(spans), self.indices.read_spans(spans), indptr)

    def _inside(self, first: np.integer, last: np.integer) -> tuple[int, int]:
        if not 0 <= first <= last <= self.data.length:
            raise unreadable(self.path, ValueError(f"indptr has {first} and {last}"))
        return int(first), int(last)

    def _matrix(self, data: np.ndarray, indices: np.ndarray, indptr: np.ndarray) -> sp.csr_matrix:
        native = [part.astype(part.dtype.newbyteorder("="), copy=False) for part in (data, indices, indptr)]
        try:
            found: Any = sp.csr_matrix(tuple(native), shape=(len(indptr) - 1, self.shape[1]))
            # Out-of-range indices would read foreign memory.
            found.check_format(full_check=True)
        except ValueError as error:
            raise unreadable(self.path, error) from error
        if found.has_canonical_format:
            return found
        # scikit-learn would count duplicate entries separately. Sums of small integers may exceed their type.
        found = found.astype(np.float64) if found.dtype.kind in "iub" else found
        found.sum_duplicates()
        return found

    def check_exists(self) -> None:
        """See `StoredArray.check_exists`."""
        for part in (self.data, self.indices, self.indptr):
            part.check_exists()

    def unpacked(self, data_dir: Any = None) -> "StoredCSR":
        """Return this matrix, or an uncompressed copy in the data folder if its arrays are compressed.

        Raises
        ------
        InputError
            If the file is damaged, or the disk is full.
        """
        if min(part.offset for part in (self.data, self.indices, self.indptr)) >= 0:
            return self
        copy = cached_copy(self.path, self.path.suffix, self.n_bytes, self._unpack, data_dir)
        found = open_csr(copy)
        if found is None:
            raise InputError(f"{copy} is damaged: remove it")
        return found

    def _unpack(self, file: BinaryIO) -> None:
        try:
            with ZipFile(self.path) as packed, ZipFile(file, "w", ZIP_STORED) as unpacked:
                for name in MEMBERS:
                    with packed.open(name) as source, unpacked.open(name, "w", force_zip64=True) as target:
                        copyfileobj(source, target)
        except OSError:  # of the disk, not of the archive
            raise
        except Exception as error:  # zipfile and zlib raise many kinds of errors
            raise unreadable(self.path, error) from error


def open_csr(path: Path) -> StoredCSR | None:
    """Open the matrix of a .npz file without reading it; return None if it is not a CSR matrix of numbers."""
    try:
        with ZipFile(path) as archive:
            if (
                "X.npy" in archive.namelist()
                or sum(archive.getinfo(name).file_size for name in ABOUT) > MAX_ABOUT_BYTES
            ):
                return None
            kind, shape = (_read_array(archive, name) for name in ABOUT)
            data, indices, indptr = (_stored(archive, path.absolute(), name) for name in ARRAYS)
        n, d = shape.tolist()
        kinds = [np.dtype(part.dtype).kind for part in (data, indices, indptr)]
    except Exception:  # zipfile and the parser of NumPy's headers raise many kinds of errors
        return None  # `read_npz` will report what is wrong
    if kind.tolist() not in (b"csr", "csr") or kinds[0] not in "fiub" or kinds[1:] != ["i", "i"]:
        return None
    if min(n, d) < 1 or len({data.length, indices.length}) > 1 or indptr.length != n + 1:
        return None
    return StoredCSR(data, indices, indptr, (n, d))


def _read_array(archive: ZipFile, name: str) -> np.ndarray:
    with archive.open(name) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _stored(archive: ZipFile, path: Path, name: str) -> StoredArray:
    """Locate the data of an array, which follow the .zip header of its file and the .npy header."""
    about = archive.getinfo(name)
    with archive.open(about) as file:
        (length,), _, dtype = npy_header(file)
        begins = file.tell()
    if about.file_size != begins + length * dtype.itemsize:
        raise ValueError("the header says more or less than there is")
    if about.compress_type != ZIP_STORED:
        return StoredArray(path, -1, dtype.str, length)
    with open(path, "rb") as whole:
        whole.seek(about.header_offset + ZIP_LENGTHS_OFFSET)
        names = sum(struct.unpack("<HH", whole.read(4)))  # lengths of the file name and the extra field
    return StoredArray(path, about.header_offset + ZIP_LENGTHS_OFFSET + 4 + names + begins, dtype.str, length)
