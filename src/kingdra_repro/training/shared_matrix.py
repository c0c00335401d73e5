"""The data, once on each machine: in a file without a name, which goes with the last of its ranks."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO, cast

import numpy as np
import scipy.sparse as sp
import torch

from kingdra_repro.errors import InputError
from kingdra_repro.training.group import Group

CHUNK = 2**26  # bytes that go to other machines at once

Parts = Sequence[tuple[str, int]]  # dtype and length of each array of a matrix; of a CSR matrix three


def shared_matrix(X: np.ndarray | sp.csr_matrix | None, group: Group) -> np.ndarray | sp.csr_matrix:
    """Return the matrix that rank 0 has; to be called on all ranks.

    The other ranks of its machine map one file into memory, read-only. On another machine the first rank
    writes such a file of what it is sent.

    Parameters
    ----------
    X : array or CSR matrix [n, d], on rank 0; None on the others

    Raises
    ------
    InputError
        On all ranks, if one has no room for the file.
    """
    arrays = [] if X is None else _arrays(X)
    about = None if X is None else (tuple(X.shape), [(array.dtype.str, len(array)) for array in arrays])
    shape, parts = group.broadcast(about)
    nodes = group.together(lambda: group.node)
    first = nodes.index(group.node)
    chunks = _chunks(arrays, parts, group, several=len(set(nodes)) > 1)
    file: BinaryIO | None = None
    failed: OSError | None = None
    try:
        if first == group.rank:
            file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 closed below, on every way
            for chunk in chunks:
                file.write(memoryview(chunk))  # type: ignore[arg-type]
            file.flush()
    except OSError as error:
        failed = error
    for _ in chunks:  # the others wait for the rest
        pass
    mapped: list[np.ndarray | sp.csr_matrix] = []

    def place() -> str:
        if failed is not None:
            raise InputError(
                f"Cannot write the data for the other processes to {tempfile.gettempdir()} "
                f"({failed.strerror or failed}): free space there, set TMPDIR to another folder, or use "
                "n_jobs=1"
            )
        return "" if file is None else f"/proc/{os.getpid()}/fd/{file.fileno()}"

    def read() -> None:
        if X is None:
            mapped.append(_mapped(places[first] if file is None else file, shape, parts))

    try:
        places = group.together(place)
        group.together(read)
    finally:
        if file is not None:
            file.close()
    return X if X is not None else mapped[0]


def _arrays(X: np.ndarray | sp.csr_matrix) -> list[np.ndarray]:
    arrays = [X.indptr, X.indices, X.data] if sp.issparse(X) else [X]
    return [np.ascontiguousarray(array).reshape(-1) for array in arrays]


def _chunks(
    arrays: Sequence[np.ndarray], parts: Parts, group: Group, *, several: bool
) -> Iterator[np.ndarray]:
    """Give the bytes of the arrays, uint8: on rank 0, and where there are several machines on all."""
    for number, (dtype, length) in enumerate(parts):
        for start in range(0, np.dtype(dtype).itemsize * length, CHUNK):
            chunk = arrays[number].view(np.uint8)[start : start + CHUNK] if arrays else None
            if several:
                sent = (
                    None if chunk is None else torch.from_numpy(chunk.copy())
                )  # read-only ones are warned of
                chunk = group.broadcast(sent).numpy()
            if chunk is not None:
                yield chunk


def _mapped(file: str | BinaryIO, shape: tuple[int, int], parts: Parts) -> np.ndarray | sp.csr_matrix:
    arrays, offset = [], 0
    for dtype, length in parts:
        # An empty file cannot be mapped, nor an empty part.
        array = np.memmap(file, dtype, "r", offset, (length,)) if length else np.empty(0, dtype)
        arrays.append(np.asarray(array))
        offset += array.nbytes
    if len(arrays) == 1:
        return arrays[0].reshape(shape)
    indptr, indices, data = arrays
    return sp.csr_matrix((data, indices, indptr), shape=shape, copy=False)
