"""What is left of an ensemble when it is trained: weights and moments, for the outputs of other points."""

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from kingdra_repro.bases import Base
from kingdra_repro.ensemble.rows import Rows
from kingdra_repro.ensemble.stack import predict_proba

CHUNK_SIZE = 2048


class FittedEnsemble:
    """The trained members.

    Parameters
    ----------
    bases : the base model of each member
    weights : for each member its network's state
    n_features, n_clusters : int
    precision : "float32", "tf32" or "bfloat16", of the matrix products
    device : torch.device
    """

    def __init__(
        self,
        bases: list[Base],
        weights: list[dict[str, Tensor]],
        n_features: int,
        n_clusters: int,
        precision: str,
        device: torch.device,
    ) -> None:
        self._bases, self._weights, self._device = bases, weights, device
        self._shape = n_features, n_clusters
        self._precision = precision

    def predict_proba(self, X: np.ndarray | sp.csr_matrix) -> Tensor:
        """Outputs of all members for X [n, d]: float32 Tensor [M, n, k] on the CPU."""
        rows = Rows(X, self._device)
        proba = []
        for base, weights in zip(self._bases, self._weights, strict=True):
            # Its first weights are drawn in vain; they are replaced at once.
            network = base.build(*self._shape, [torch.Generator()], self._precision)
            network.load_state_dict({name: value[None] for name, value in weights.items()})
            proba.append(predict_proba(network.to(self._device), rows, CHUNK_SIZE))
        return torch.cat(proba)
