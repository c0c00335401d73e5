"""Mini-batches of a constrained autoencoder: points without a label, labelled points, and linked pairs."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.training.batches import batch_slices, repeated_permutations
from kingdra_repro.training.linked_pairs import LinkedPairs
from kingdra_repro.training.seeds import Purpose, numpy_stream


@dataclass(frozen=True)
class ConstrainedBatches:
    """The mini-batches of the second phase of a constrained autoencoder.

    An epoch is one pass over the unlabelled or the labelled points, whichever fill more batches; the others
    are repeated. ``labels``, int64 [n], is -1 for points without a label; there are points of both kinds. A
    batch has as many linked pairs as labelled points.
    """

    labels: np.ndarray
    linked: LinkedPairs | None
    unlabelled_size: int
    labelled_size: int
    seed: int

    def epoch(self, epoch: int, first: int, device: torch.device) -> list[Tensor]:
        """Return the row indices of each batch of an epoch of this phase; ``epoch`` counts from 0.

        A batch holds unlabelled points, labelled points, for each of these a partner of the same class, and
        both points of linked pairs; `parts` splits it. ``first`` is the number of epochs before this phase,
        whose orders of all points were drawn from the same random stream.
        """
        unlabelled, labelled = np.flatnonzero(self.labels < 0), np.flatnonzero(self.labels >= 0)
        slices = batch_slices(len(unlabelled), self.unlabelled_size)
        if len(slices) * self.labelled_size < len(labelled):
            n_batches = -(-len(labelled) // self.labelled_size)
            slices = batch_slices(n_batches * self.unlabelled_size, self.unlabelled_size)
        rng = numpy_stream(self.seed, 0, Purpose.ORDER, first + epoch)
        order = repeated_permutations(unlabelled, slices[-1].stop, rng)
        rng = numpy_stream(self.seed, 0, Purpose.SUPERVISED, epoch)
        chosen = repeated_permutations(labelled, len(slices) * self.labelled_size, rng).reshape(
            len(slices), -1
        )
        partners = self._partners(chosen, rng)
        parts = [[order[part] for part in slices], chosen, partners]
        if self.linked is not None:
            rng = numpy_stream(self.seed, 1, Purpose.SUPERVISED, epoch)
            pairs = repeated_permutations(self.linked.pairs, chosen.size, rng)
            parts += [pairs[:, end].reshape(chosen.shape) for end in (0, 1)]
        batches = (np.concatenate(rows) for rows in zip(*parts, strict=True))
        return [torch.from_numpy(rows).to(device) for rows in batches]

    def parts(self, batch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Split a batch [B, ...] into unlabelled points, labelled points with partners, and linked points."""
        linked = 0 if self.linked is None else 2 * self.labelled_size
        labelled = 2 * self.labelled_size
        sizes = [len(batch) - labelled - linked, labelled, linked]
        unlabelled, labelled_part, linked_part = batch.split(sizes)
        return unlabelled, labelled_part, linked_part

    def _partners(self, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw another point of the class of each chosen point; the same point if its class has no other."""
        partners = np.empty_like(chosen)
        for c in np.unique(self.labels[chosen]):
            members, here = np.flatnonzero(self.labels == c), self.labels[chosen] == c
            place = np.searchsorted(members, chosen[here])
            step = rng.integers(1, max(len(members), 2), size=len(place))
            partners[here] = members[(place + step) % len(members)]
        return partners
