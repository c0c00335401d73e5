"""A matrix that several processes read: in a file without a name, which goes with the last of them."""

import tempfile
from dataclasses import dataclass
from typing import BinaryIO, cast

import numpy as np
import scipy.sparse as sp

from kingdra_repro.errors import InputError


@dataclass(frozen=True)
class SharedMatrix:
    """Where the parts of a matrix lie in a file that the processes inherit.

    Parameters
    ----------
    handle : int, the file's
    shape : (n, d)
    parts : (dtype, length) of each array in the file, one after the other: one for a dense matrix, indptr,
        indices and data of a CSR matrix
    """

    handle: int
    shape: tuple[int, int]
    parts: tuple[tuple[str, int], ...]

    def read(self) -> np.ndarray | sp.csr_matrix:
        """Map the matrix into memory, read-only."""
        arrays, offset = [], 0
        with open(self.handle, "rb", closefd=False) as file:
            for dtype, length in self.parts:
                # An empty file cannot be mapped, nor an empty part.
                part = np.memmap(file, dtype, "r", offset, (length,)) if length else np.empty(0, dtype)
                arrays.append(np.asarray(part))
                offset += part.nbytes
        if len(arrays) == 1:
            return arrays[0].reshape(self.shape)
        indptr, indices, data = arrays
        return sp.csr_matrix((data, indices, indptr), shape=self.shape, copy=False)


def write_matrix(X: np.ndarray | sp.csr_matrix) -> tuple[BinaryIO, SharedMatrix]:
    """Write X into a file without a name; to be closed when all processes have it.

    Raises
    ------
    InputError
        If there is no room.
    """
    parts = [X.indptr, X.indices, X.data] if sp.issparse(X) else [np.ascontiguousarray(X).reshape(-1)]
    try:
        file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 it is the caller's to close
        for part in parts:
            file.write(memoryview(np.ascontiguousarray(part)).cast("B"))  # type: ignore[arg-type]
        file.flush()
    except OSError as error:
        raise InputError(
            f"Cannot write the data for the other processes to {tempfile.gettempdir()} "
            f"({error.strerror or error}): free space there, set TMPDIR to another folder, or use n_jobs=1"
        ) from error
    described = tuple((part.dtype.str, len(part)) for part in parts)
    return file, SharedMatrix(file.fileno(), X.shape, described)
