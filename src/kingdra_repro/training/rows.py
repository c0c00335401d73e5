"""The feature matrix on the way to a batch, dense or sparse."""

import warnings
from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor


class Rows:
    """Gathers rows of X as dense float32 tensors on a device.

    A dense X is put on the device once; on the CPU it is not copied, so that a memory map stays one. Of a
    sparse matrix a batch is made dense when it is needed; a GPU with room for all of it gets all at once.

    Parameters
    ----------
    X : float array [n, d] or scipy CSR matrix [n, d]
    device : torch.device
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
