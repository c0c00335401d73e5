"""Means and variances of a data set that is seen chunk by chunk."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from kingdra_repro.networks.layers import BATCH_NORM_EPSILON


class RunningMoments:
    """Mean and biased variance over axis -2 of all chunks added so far.

    Chunks are merged by their means and sums of squared deviations (Chan, Golub, LeVeque 1983), which stays
    accurate where the sum of squares would cancel.

    Attributes
    ----------
    count : int, rows seen
    mean, var : Tensor [..., 1, d]
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = torch.zeros(())
        self._squares = torch.zeros(())

    def add(self, chunk: Tensor) -> None:
        """Take in chunk [..., rows, d]."""
        rows = chunk.shape[-2]
        mean = chunk.mean(-2, keepdim=True)
        var = (chunk - mean).square_().mean(-2, keepdim=True)
        if self.count == 0:
            self.count, self.mean, self._squares = rows, mean, var * rows
            return
        total = self.count + rows
        delta = mean - self.mean
        self.mean = self.mean + delta * (rows / total)
        self._squares = self._squares + var * rows + delta.square() * (self.count * rows / total)
        self.count = total

    @property
    def var(self) -> Tensor:
        return self._squares / self.count


class PopulationMoments(nn.Module):
    """What a batch norm of a stack normalises with in prediction: buffers mean, var [M, 1, d].

    They are NaN until they are measured: a network that predicts before that gives no answer.

    Parameters
    ----------
    n_models, width : M and d
    """

    def __init__(self, n_models: int, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((n_models, 1, width), torch.nan))
        self.register_buffer("var", torch.full((n_models, 1, width), torch.nan))

    def measure(self, chunks: Iterable[Tensor]) -> None:
        """Set them to the moments of all chunks [M, b, d], of which one is held at a time."""
        moments = RunningMoments()
        for chunk in chunks:
            moments.add(chunk)
        self.get_buffer("mean").copy_(moments.mean)
        self.get_buffer("var").copy_(moments.var)

    def forward(self, z: Tensor) -> Tensor:
        return normalize(z, self.get_buffer("mean"), self.get_buffer("var"))


def normalize(z: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    """Batch norm of z [..., B, d] with given moments [..., 1, d]."""
    return (z - mean) * torch.rsqrt(var + BATCH_NORM_EPSILON)
