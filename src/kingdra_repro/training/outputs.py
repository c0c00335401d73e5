"""The outputs of an ensemble's models for the points that they were trained on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from kingdra_repro.pseudo_labels.matching import average

BLOCK_VALUES = 2**23  # the largest number of a model's outputs, and of feature values, in a block
HELD_VALUES = 2**28  # outputs of all models held in memory, 4 bytes each; more are recomputed in blocks


@dataclass(frozen=True)
class Outputs:
    """Outputs of M models for n points: held in memory, or recomputed in blocks on demand.

    Attributes
    ----------
    predictions : integer Tensor [M, n], index of each model's largest output; `in_blocks` uses a small dtype
    confidence : float32 Tensor [M, n], the value of that output
    """

    predictions: Tensor
    confidence: Tensor
    _blocks: Callable[[], Iterator[Tensor]]

    @classmethod
    def from_proba(cls, proba: Tensor) -> "Outputs":
        """Hold all outputs [M, n, k] in memory."""
        return cls(proba.argmax(-1), proba.amax(-1), lambda: iter([proba]))

    @classmethod
    def in_blocks(
        cls, compute: Callable[[int, int], Tensor], shape: tuple[int, int], n_clusters: int
    ) -> "Outputs":
        """Hold only predictions and confidence; recompute the outputs in blocks on demand.

        ``compute(start, stop)`` returns outputs [M, stop - start, k]; ``shape`` is (n, d), of the features.
        """
        n, size = shape[0], max(1, BLOCK_VALUES // max(n_clusters, shape[1]))

        def blocks() -> Iterator[Tensor]:
            for start in range(0, n, size):
                yield compute(start, min(start + size, n))

        kind = torch.uint8 if n_clusters <= 256 else torch.int16 if n_clusters < 2**15 else torch.int32
        said = [(proba.argmax(-1).to(kind), proba.amax(-1)) for proba in blocks()]
        predictions, confidence = (torch.cat(parts, dim=1) for parts in zip(*said, strict=True))
        return cls(predictions, confidence, blocks)

    def proba(self) -> Tensor:
        """Return all outputs as one float32 Tensor [M, n, k]."""
        return torch.cat(list(self._blocks()), dim=1)

    def labels(self, order: Tensor) -> Tensor:
        """Average the outputs, each model's in its order [M, k], and return the largest: int64 Tensor [n]."""
        return torch.cat([average(proba, order).argmax(1) for proba in self._blocks()])
