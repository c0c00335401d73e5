"""One copy of the data per machine, in an unnamed file that disappears with the last of its ranks."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import numpy as np
import scipy.sparse as sp

from kingdra_repro.data.streamed import Matrix, StreamedMatrix
from kingdra_repro.errors import InputError
from kingdra_repro.training.group import DESCRIPTORS, Group

CHUNK = 2**26  # bytes sent to other machines at once


def shared_matrix(X: Matrix | None, group: Group) -> Matrix:
    """Return rank 0's matrix [n, d] on every rank; all ranks call this, the others with X=None.

    The other ranks on rank 0's machine memory-map one file, read-only. On each other machine the first rank
    writes such a file from the data it receives. A `StreamedMatrix` stays in its file, which all ranks read.

    Raises
    ------
    InputError
        On all ranks, if one of them cannot write the file, or cannot find that of a `StreamedMatrix`.
    """
    if group.size == 1 and X is not None:
        return X
    streamed = group.broadcast(X if isinstance(X, StreamedMatrix) else None)
    if streamed is not None:
        group.run_on_all_ranks(streamed.stored.check_exists)
        return streamed
    assert not isinstance(X, StreamedMatrix)
    arrays = [] if X is None else [X.indptr, X.indices, X.data] if sp.issparse(X) else [X]
    arrays = [np.ascontiguousarray(array).reshape(-1) for array in arrays]
    about = None if X is None else (tuple(X.shape), [(array.dtype.str, len(array)) for array in arrays])
    shape, parts = group.broadcast(about)
    nodes = group.run_on_all_ranks(lambda: group.node)
    first = nodes.index(group.node)
    chunks = _chunks(arrays, parts, group, several=len(set(nodes)) > 1)
    read: list[np.ndarray] = []
    with ExitStack() as until_read:

        def place() -> str | None:
            try:
                if first != group.rank:
                    return None
                file = until_read.enter_context(tempfile.TemporaryFile())
                for chunk in chunks:
                    file.write(memoryview(chunk))  # type: ignore[arg-type]
                file.flush()
                return f"{DESCRIPTORS.format(os.getpid())}/{file.fileno()}"
            except OSError as error:
                raise InputError(
                    f"Cannot write the data for the other processes to {tempfile.gettempdir()} "
                    f"({error.strerror or error}): free space there, set TMPDIR to another folder, or use "
                    "n_jobs=1"
                ) from error
            finally:
                for _ in chunks:  # the other machines wait for the remaining chunks
                    pass

        places = group.run_on_all_ranks(place)
        group.run_on_all_ranks(lambda: read.extend(_mapped(places[first], parts)))
    if X is not None:
        return X
    if len(read) == 1:
        return read[0].reshape(shape)
    indptr, indices, data = read
    return sp.csr_matrix((data, indices, indptr), shape=shape, copy=False)


def _chunks(
    arrays: Sequence[np.ndarray], parts: Sequence[tuple[str, int]], group: Group, *, several: bool
) -> Iterator[np.ndarray]:
    """Yield the bytes of the arrays, uint8: on rank 0 or, if there are several machines, on all ranks."""
    for number, (dtype, length) in enumerate(parts):
        for start in range(0, np.dtype(dtype).itemsize * length, CHUNK):
            chunk = arrays[number].view(np.uint8)[start : start + CHUNK] if arrays else None
            if several:
                chunk = group.broadcast(chunk)
            if chunk is not None:
                yield chunk


def _mapped(file: str, parts: Sequence[tuple[str, int]]) -> Iterator[np.ndarray]:
    """Memory-map the arrays of a file, each given by its dtype and length."""
    offset = 0
    for dtype, length in parts:
        # Neither an empty file nor an empty part can be mapped.
        array = np.memmap(file, dtype, "r", offset, (length,)) if length else np.empty(0, dtype)
        yield np.asarray(array)
        offset += array.nbytes
