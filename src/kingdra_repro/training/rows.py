"""Access to the rows of a feature matrix for training: dense, sparse, or streamed from its file."""

import itertools
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from kingdra_repro.data.streamed import Matrix, StreamedMatrix, prefetch
from kingdra_repro.training.batches import block_order


class RowLookup(Protocol):
    """A lookup of rows: a LongTensor index [...] returns a float32 Tensor [..., d] on the device."""

    def __getitem__(self, index: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Part:
    """Rows that are in memory at the same time during an epoch: all rows unless the matrix is streamed.

    Attributes
    ----------
    n : int, number of rows in this part
    rows : lookup of these rows by their positions within the part
    row_index : LongTensor [n] on the device, their indices in the matrix; None if equal to the positions
    """

    n: int
    rows: RowLookup
    row_index: Tensor | None = None


class Rows:
    """A lookup of rows of X as dense float32 tensors on a device.

    A dense X is moved to the device once; on the CPU it is not copied, so a memory map stays a memory map. A
    sparse X is densified batch by batch, or all at once if a quarter of a GPU's free memory suffices.
    """

    def __init__(self, X: np.ndarray | sp.csr_matrix, device: torch.device) -> None:
        self.n, self.d = X.shape
        self.device = device
        self._dense: Tensor | None = None
        if isinstance(X, sp.csr_matrix | sp.csr_array):
            self._sparse = X.astype(np.float32, copy=False)
            if device.type == "cuda" and 4 * self.n * self.d < torch.cuda.mem_get_info(device)[0] / 4:
                self._dense = torch.cat([self[rows] for rows in torch.arange(self.n).split(8192)])
            return
        with warnings.catch_warnings():
            # torch warns about read-only arrays because it could write to them; nothing here does.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            self._dense = torch.from_numpy(np.ascontiguousarray(X, dtype=np.float32)).to(device)

    def __getitem__(self, index: Tensor) -> Tensor:
        """Return the rows of a LongTensor index [...]: Tensor [..., d] on the device."""
        if self._dense is not None:
            return self._dense[index]
        rows = self._sparse[index.flatten().cpu().numpy()].toarray()
        return torch.from_numpy(rows).to(self.device).view(*index.shape, self.d)

    def chunks(self, size: int) -> Iterator[Tensor]:
        """Yield all rows in order, as tensors [1, at most size, d]."""
        for start in range(0, self.n, size):
            if self._dense is not None:
                yield self._dense[None, start : start + size]
            else:
                yield self[torch.arange(start, min(start + size, self.n))][None]

    # `StreamedRows` implements the following differently, since it reads the matrix from its file.

    @property
    def max_rows_in_memory(self) -> int:
        """Largest number of rows that can be in memory at once."""
        return self.n

    def parts(self, shuffled: bool, seed: int, epoch: int) -> Iterator[Part]:
        """Yield the parts of one pass over the rows: here a single one."""
        yield Part(self.n, self)

    def subset_lookup(self, index: np.ndarray) -> RowLookup:
        """Return a lookup, by row index in the matrix, of rows that are used repeatedly."""
        return self


class StreamedRows:
    """The counterpart of `Rows` for a matrix that is read from its file.

    A pass reads the blocks of the file in a newly shuffled order and collects several in a buffer, which each
    member shuffles for itself. While one buffer is trained on, the next is read, scaled and moved to the
    device.
    """

    def __init__(self, X: StreamedMatrix, device: torch.device) -> None:
        self.n, self.d = X.shape
        # "cuda" with its index: in the thread that reads ahead, the current GPU is the first one.
        self.device, self._X = torch.empty(0, device=device).device, X

    def chunks(self, size: int) -> Iterator[Tensor]:
        """Yield all rows in order, as tensors [1, at most size, d]."""
        # Multiples of 16 numbers keep chunks aligned as in one whole array, so that products round alike.
        aligned = size * (16 // math.gcd(16, size * self.d))
        at_once = aligned * max(1, self._X.rows_per_block // aligned)
        for block in self._X.blocks(at_once):
            yield from Rows(block, self.device).chunks(size)

    @property
    def max_rows_in_memory(self) -> int:
        return self._X.rows_per_buffer

    def parts(self, shuffled: bool, seed: int, epoch: int) -> Iterator[Part]:
        """Yield the parts of one pass over the rows: one per buffer."""
        X, size = self._X, self._X.rows_per_block
        n_blocks, n_parts = -(-self.n // size), -(-self.n // X.rows_per_buffer)

        def part(blocks: np.ndarray) -> Part:
            spans = [(b * size, min((b + 1) * size, self.n)) for b in blocks.tolist()]
            indices = np.concatenate([np.arange(*span) for span in spans])
            buffer = _joined((X[slice(*span)] for span in spans), (len(indices), self.d))
            row_index = torch.from_numpy(indices).to(self.device)
            return Part(len(indices), Rows(buffer, self.device), None if n_parts == 1 else row_index)

        return prefetch(part(blocks) for blocks in block_order(n_blocks, n_parts, shuffled, seed, epoch))

    def subset_lookup(self, index: np.ndarray) -> RowLookup:
        """Return a lookup, by row index, of rows that are used repeatedly; read them in one pass."""
        wanted, size = np.unique(index), self._X.rows_per_block
        starts = range(0, self.n, size)
        of_blocks = zip(starts, np.split(wanted, np.searchsorted(wanted, starts[1:])), strict=True)
        found = _joined(
            (self._X[start : start + size][rows - start] for start, rows in of_blocks if len(rows)),
            (len(wanted), self.d),
        )
        return _SubsetLookup(torch.from_numpy(wanted).to(self.device), Rows(found, self.device))


def _joined(blocks: Iterator[Any], shape: tuple[int, int]) -> np.ndarray | sp.csr_matrix:
    """Concatenate blocks of rows; copy dense blocks one by one, so that memory never holds all twice."""
    first: Any = next(blocks)
    if isinstance(first, sp.csr_matrix):
        return sp.vstack([first, *blocks], format="csr")
    found, filled = np.empty(shape, np.float32), 0
    for block in itertools.chain([first], blocks):
        found[filled : filled + len(block)] = block
        filled += len(block)
    return found


class _SubsetLookup:
    """Selected rows of a matrix, looked up by their row indices in it."""

    def __init__(self, row_index: Tensor, rows: Rows) -> None:
        self._row_index, self._rows = row_index, rows

    def __getitem__(self, index: Tensor) -> Tensor:
        return self._rows[torch.searchsorted(self._row_index, index.contiguous())]


def make_rows(X: Matrix, device: torch.device) -> Rows | StreamedRows:
    """Return the row lookup of a matrix in memory, or in a file if it is a `StreamedMatrix`."""
    return StreamedRows(X, device) if isinstance(X, StreamedMatrix) else Rows(X, device)
