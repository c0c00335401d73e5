"""Means and variances of a data set, computed chunk by chunk."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from kingdra_repro.networks.layers import BATCH_NORM_EPSILON


class PopulationMoments(nn.Module):
    """The moments with which a batch norm of a stack normalises in prediction: buffers mean, var [M, 1, d].

    They are NaN until they are measured, and so are the outputs of a network that predicts earlier.
    """

    mean: Tensor
    var: Tensor

    def __init__(self, n_models: int, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((n_models, 1, width), torch.nan))
        self.register_buffer("var", torch.full((n_models, 1, width), torch.nan))

    def measure(self, chunks: Iterable[Tensor]) -> None:
        """Set the buffers to the mean and the biased variance of the rows of all chunks [M, b, d].

        Chunks are merged by their means and sums of squared deviations (Chan, Golub, LeVeque 1983), which
        avoids the cancellation of sums of squares. Only one chunk is in memory at a time.
        """
        count = 0
        mean = squares = torch.zeros(())
        for chunk in chunks:
            rows = chunk.shape[-2]
            chunk_mean = chunk.mean(-2, keepdim=True)
            chunk_squares = (chunk - chunk_mean).square_().mean(-2, keepdim=True) * rows
            if count == 0:
                count, mean, squares = rows, chunk_mean, chunk_squares
                continue
            total = count + rows
            delta = chunk_mean - mean
            mean = mean + delta * (rows / total)
            squares = squares + chunk_squares + delta.square() * (count * rows / total)
            count = total
        self.mean.copy_(mean)
        self.var.copy_(squares / count)

    def forward(self, z: Tensor) -> Tensor:
        return normalize(z, self.mean, self.var)


def normalize(z: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    """Apply batch norm with given moments [..., 1, d] to z [..., B, d]."""
    return (z - mean) * torch.rsqrt(var + BATCH_NORM_EPSILON)
