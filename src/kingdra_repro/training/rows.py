"""The feature matrix on the way to a batch: dense, sparse, or read from its file."""

import itertools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from kingdra_repro.data.streamed import Matrix, StreamedMatrix, ahead
from kingdra_repro.training.batches import block_order


class Gathered(Protocol):
    """Rows by their numbers: an index LongTensor [...] gives a float32 Tensor [..., d] on the device."""

    def __getitem__(self, index: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Part:
    """Rows that are at hand at the same time in an epoch; all of them where the matrix is in memory.

    Attributes
    ----------
    n : int, rows of this part
    rows : they, by their places within it
    numbers : LongTensor [n] on the device, their numbers within the matrix; None where these are the places
    """

    n: int
    rows: Gathered
    numbers: Tensor | None = None


class Rows:
    """Gathers rows of X as dense float32 tensors on a device.

    A dense X is put on the device once; on the CPU it is not copied, so that a memory map stays one. Of a
    sparse matrix a batch is made dense when it is needed; a GPU with room for all of it gets all at once.
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
            # Read-only arrays: torch warns that it could write to them. Nothing here does.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            self._dense = torch.from_numpy(np.ascontiguousarray(X, dtype=np.float32)).to(device)

    def __getitem__(self, index: Tensor) -> Tensor:
        """Rows of a LongTensor index [...]: Tensor [..., d] on the device."""
        if self._dense is not None:
            return self._dense[index]
        rows = self._sparse[index.flatten().cpu().numpy()].toarray()
        return torch.from_numpy(rows).to(self.device).view(*index.shape, self.d)

    def chunks(self, size: int) -> Iterator[Tensor]:
        """All rows in order, as tensors [1, at most size, d]."""
        for start in range(0, self.n, size):
            if self._dense is not None:
                yield self._dense[None, start : start + size]
            else:
                yield self[torch.arange(start, min(start + size, self.n))][None]

    # What follows is different where the matrix is read from its file, see `StreamedRows`.

    @property
    def most_at_hand(self) -> int:
        """Rows that can be at hand at the same time."""
        return self.n

    def parts(self, shuffled: bool, seed: int, epoch: int) -> Iterator[Part]:
        """Give the parts of one pass over the rows: all at once."""
        yield Part(self.n, self)

    def some(self, index: np.ndarray) -> Gathered:
        """Give rows that are needed again and again, by their numbers within the matrix."""
        return self


class StreamedRows:
    """Rows of a matrix that is read from its file, as `Rows` has those of one in memory.

    A pass takes the blocks of the file in an order drawn anew, and a buffer of several of them at a time, in
    which each member has an order of its own. While one buffer is trained on, the next is read, scaled and
    put on the device.
    """

    def __init__(self, X: StreamedMatrix, device: torch.device) -> None:
        self.n, self.d = X.shape
        self.device, self._X = device, X

    def chunks(self, size: int) -> Iterator[Tensor]:
        """All rows in order, as tensors [1, at most size, d]."""
        # Sixteen chunks end where memory is aligned as it begins: products then round alike.
        at_once = 16 * size * max(1, self._X.rows_of_a_block // (16 * size))
        for block in self._X.blocks(at_once):
            yield from Rows(block, self.device).chunks(size)

    @property
    def most_at_hand(self) -> int:
        return self._X.rows_of_a_buffer

    def parts(self, shuffled: bool, seed: int, epoch: int) -> Iterator[Part]:
        """Give the parts of one pass over the rows: a buffer each."""
        X, size = self._X, self._X.rows_of_a_block
        n_blocks, n_parts = -(-self.n // size), -(-self.n // X.rows_of_a_buffer)

        def part(blocks: np.ndarray) -> Part:
            spans = [(b * size, min((b + 1) * size, self.n)) for b in blocks.tolist()]
            numbers = np.concatenate([np.arange(*span) for span in spans])
            buffer = _joined((X[slice(*span)] for span in spans), (len(numbers), self.d))
            index = torch.from_numpy(numbers).to(self.device)
            return Part(len(numbers), Rows(buffer, self.device), None if n_parts == 1 else index)

        return ahead(part(blocks) for blocks in block_order(n_blocks, n_parts, shuffled, seed, epoch))

    def some(self, index: np.ndarray) -> Gathered:
        """Give rows that are needed again and again, by their numbers: one pass over the file reads them."""
        wanted, size = np.unique(index), self._X.rows_of_a_block
        starts = range(0, self.n, size)
        of_blocks = zip(starts, np.split(wanted, np.searchsorted(wanted, starts[1:])), strict=True)
        found = _joined(
            (self._X[start : start + size][rows - start] for start, rows in of_blocks if len(rows)),
            (len(wanted), self.d),
        )
        return _Some(torch.from_numpy(wanted).to(self.device), Rows(found, self.device))


def _joined(blocks: Iterator[Any], shape: tuple[int, int]) -> np.ndarray | sp.csr_matrix:
    """Put blocks of rows one below the other; dense ones as they come, so that they are never there twice."""
    first: Any = next(blocks)
    if isinstance(first, sp.csr_matrix):
        return sp.vstack([first, *blocks], format="csr")
    found, filled = np.empty(shape, np.float32), 0
    for block in itertools.chain([first], blocks):
        found[filled : filled + len(block)] = block
        filled += len(block)
    return found


class _Some:
    """Some rows of a matrix, by their numbers within it."""

    def __init__(self, numbers: Tensor, rows: Rows) -> None:
        self._numbers, self._rows = numbers, rows

    def __getitem__(self, index: Tensor) -> Tensor:
        return self._rows[torch.searchsorted(self._numbers, index.contiguous())]


def rows_of(X: Matrix, device: torch.device) -> Rows | StreamedRows:
    """Return the rows of a matrix, in memory or in a file."""
    return StreamedRows(X, device) if isinstance(X, StreamedMatrix) else Rows(X, device)
