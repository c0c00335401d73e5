"""A trained ensemble: the weights and moments from which it computes the outputs of any points."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.bases import Base
from kingdra_repro.data.streamed import Matrix
from kingdra_repro.training.outputs import BLOCK_VALUES
from kingdra_repro.training.rows import Rows, make_rows
from kingdra_repro.training.stack import predict_proba
from kingdra_repro.training.threads import useful_threads

CHUNK_SIZE = 2048


class FittedEnsemble:
    """The trained members: the base model and the network state of each.

    Matrix products have the precision "float32" or "bfloat16"; "tf32" affects only training, so that here it
    is "float32".
    """

    def __init__(
        self,
        bases: list[Base],
        weights: list[dict[str, Tensor]],
        n_features: int,
        n_clusters: int,
        precision: str,
    ) -> None:
        self._bases, self.weights = bases, weights
        self._shape = n_features, n_clusters
        self._precision = precision

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return weights and moments of all members, such as ``model0.encoder.0``, by name."""
        members = enumerate(self.weights)
        return {f"model{m}.{name}": value.numpy() for m, state in members for name, value in state.items()}

    @staticmethod
    def weights_of(state: dict[str, np.ndarray], n_models: int) -> list[dict[str, Tensor]]:
        """Extract the ``weights`` of an ensemble from its `state_dict`; other names are ignored."""
        weights: list[dict[str, Tensor]] = [{} for _ in range(n_models)]
        for name, value in state.items():
            if (found := re.fullmatch(r"model(\d+)\.(.+)", name)) is not None:
                weights[int(found[1])][found[2]] = torch.from_numpy(value)
        return weights

    def predict_proba(self, X: Matrix, device: torch.device) -> Tensor:
        """Compute all members' outputs for X [n, d] on a device: float32 Tensor [M, n, k] on the CPU."""
        return torch.cat(list(self.blocks(X, device)), dim=1)

    def blocks(self, X: Matrix, device: torch.device) -> Iterator[Tensor]:
        """Yield all members' outputs for consecutive blocks of rows of X: float32 Tensors [M, m, k]."""
        n_features, n_clusters = self._shape
        at_once = max(1, BLOCK_VALUES // (CHUNK_SIZE * max(n_features, n_clusters))) * CHUNK_SIZE
        networks = [self._network(member).to(device) for member in range(len(self._bases))]
        for start in range(0, X.shape[0], at_once):
            rows = Rows(X[start : start + at_once], device)
            found = []
            for network, base in zip(networks, self._bases, strict=True):
                with useful_threads(base.n_weights(*self._shape), device):
                    found.append(predict_proba(network, rows, CHUNK_SIZE))
            yield torch.cat(found)

    @torch.no_grad()
    def features(self, X: Matrix, device: torch.device) -> Tensor:
        """Return the last hidden layer of member 0 for X [n, d]: float32 Tensor [n, width] on the CPU."""
        network, chunks = self._network(0).to(device), make_rows(X, device).chunks(CHUNK_SIZE)
        with useful_threads(self._bases[0].n_weights(*self._shape), device):
            return torch.cat([network.features(x)[0].cpu() for x in chunks])

    def _network(self, member: int) -> Any:
        with torch.device("meta"):  # no weights are drawn: the trained ones are assigned
            network = self._bases[member].build(*self._shape, [torch.Generator("cpu")], self._precision)
        weights = {name: value[None] for name, value in self.weights[member].items()}
        network.load_state_dict(weights, assign=True)
        return network
