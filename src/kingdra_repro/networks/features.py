"""The network whose features DeepCluster clusters: one model, no stack."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from kingdra_repro.networks.autoencoder import linear


class FeatureNetwork(nn.Module):
    """d - hidden: each layer a product, batch norm, and ReLU but for the last, with dropout between layers.

    In evaluation batch norm uses the mean of the moments of all batches since `begin_epoch`; before any
    training it does nothing.

    Parameters
    ----------
    n_features : int, d
    hidden : widths of the layers; the last is the number of features
    dropout : probability, in training
    generator : of the initial weights
    """

    def __init__(
        self, n_features: int, hidden: Sequence[int], dropout: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.dropout = dropout
        widths = [n_features, *hidden]
        self.layers = nn.ModuleList(linear(i, o, generator) for i, o in itertools.pairwise(widths))
        # momentum=None: a plain mean. The usual one, of ten batches or so, is too short for a small last
        # batch and too long for a set of few batches.
        self.norms = nn.ModuleList(nn.BatchNorm1d(width, momentum=None) for width in hidden)

    def begin_epoch(self) -> None:
        for norm in self.norms:
            norm.reset_running_stats()  # type: ignore[operator]

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Features [B, hidden[-1]] of inputs [B, d], before the last ReLU; ``generator`` is of dropout."""
        for index, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            if index > 0:
                x = relu(x)
                if self.training:
                    keep = torch.empty_like(x).uniform_(generator=generator) >= self.dropout
                    x = x * keep / (1 - self.dropout)
            x = norm(layer(x).float())  # from bfloat16, where products are rounded to it
        return x
