"""The mini-batches of a constrained autoencoder: points without a label, with one, and linked pairs."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.data.links import Closure
from kingdra_repro.networks.pair_loss import ALIKE, UNKNOWN, UNLIKE
from kingdra_repro.training.batches import batch_slices
from kingdra_repro.training.seeds import Purpose, numpy_stream


@dataclass(frozen=True)
class ConstrainedBatches:
    """An epoch is a pass over the larger of the two parts, labelled or not; the other goes round.

    Parameters
    ----------
    given : int64 array [n], -1 for points without a label; there are some of either
    linked : LinkedPairs or None
    unlabelled_size, labelled_size : of a batch; as many pairs as labelled points
    seed : int
    """

    given: np.ndarray
    linked: "LinkedPairs | None"
    unlabelled_size: int
    labelled_size: int
    seed: int

    def epoch(self, epoch: int, first: int, device: torch.device) -> list[Tensor]:
        """Give the row numbers of each batch. See `parts`.

        Unlabelled points; labelled ones, and another of each one's class; both points of linked pairs.

        Parameters
        ----------
        epoch : of this phase, from 0
        first : epochs before it, whose orders of all points were drawn from the same stream
        """
        unlabelled, labelled = np.flatnonzero(self.given < 0), np.flatnonzero(self.given >= 0)
        slices = batch_slices(len(unlabelled), self.unlabelled_size)
        if len(slices) * self.labelled_size < len(labelled):
            n_batches = -(-len(labelled) // self.labelled_size)
            slices = batch_slices(n_batches * self.unlabelled_size, self.unlabelled_size)
        rng = numpy_stream(self.seed, 0, Purpose.ORDER, first + epoch)
        order = _round(unlabelled, slices[-1].stop, rng)
        rng = numpy_stream(self.seed, 0, Purpose.SUPERVISED, epoch)
        chosen = _round(labelled, len(slices) * self.labelled_size, rng).reshape(len(slices), -1)
        others = self._others(chosen, rng)
        parts = [[order[part] for part in slices], chosen, others]
        if self.linked is not None:
            rng = numpy_stream(self.seed, 1, Purpose.SUPERVISED, epoch)
            pairs = _round(self.linked.pairs, chosen.size, rng)
            parts += [pairs[:, end].reshape(chosen.shape) for end in (0, 1)]
        batches = (np.concatenate(rows) for rows in zip(*parts, strict=True))
        return [torch.from_numpy(rows).to(device) for rows in batches]

    def parts(self, batch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the unlabelled, labelled (with their others) and linked points of a batch [B, ...]."""
        linked = 0 if self.linked is None else 2 * self.labelled_size
        labelled = 2 * self.labelled_size
        sizes = [len(batch) - labelled - linked, labelled, linked]
        unlabelled, labelled_part, linked_part = batch.split(sizes)
        return unlabelled, labelled_part, linked_part

    def _others(self, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Another point of the class of each, drawn at random; the same one where its class has no other."""
        others = np.empty_like(chosen)
        for c in np.unique(self.given[chosen]):
            members, here = np.flatnonzero(self.given == c), self.given[chosen] == c
            place = np.searchsorted(members, chosen[here])
            step = rng.integers(1, max(len(members), 2), size=len(place))
            others[here] = members[(place + step) % len(members)]
        return others


class LinkedPairs:
    """What is known of the pairs among some points.

    Parameters
    ----------
    closed : Closure
    device : torch.device

    Attributes
    ----------
    pairs : int64 array [m, 2], the pairs given
    """

    def __init__(self, closed: Closure, device: torch.device) -> None:
        self.pairs = np.concatenate([closed.links.must_link, closed.links.cannot_link])
        doubt = closed.doubtful
        self._group = torch.from_numpy(closed.group).to(device)
        self._size = len(closed.group)
        self._apart = torch.from_numpy(_keys(closed.apart, self._size)).to(device)
        keys = _keys(np.concatenate([doubt.must_link, doubt.cannot_link]), self._size)
        kinds = np.repeat([ALIKE, UNLIKE], [len(doubt.must_link), len(doubt.cannot_link)])
        weights = np.concatenate([doubt.must_weight, doubt.cannot_weight])
        order = np.argsort(keys, kind="stable")
        self._doubtful = torch.from_numpy(keys[order]).to(device)
        self._kinds = torch.from_numpy(kinds[order].astype(np.int8)).to(device)
        self._weights = torch.from_numpy(weights[order].astype(np.float32)).to(device)

    def relations(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """How each pair of rows [B] is related, int8 [B, B], and how certain that is, float32 [B, B]."""
        group = self._group[rows]
        relation = torch.where(group[:, None] == group, ALIKE, UNKNOWN).to(torch.int8)
        apart, _ = self._find(self._apart, group)
        relation = torch.where(apart, UNLIKE, relation)
        doubtful, place = self._find(self._doubtful, rows)
        doubtful &= relation == UNKNOWN
        weight = torch.ones_like(relation, dtype=torch.float32)
        if len(self._doubtful):
            relation = torch.where(doubtful, self._kinds[place], relation)
            weight = torch.where(doubtful, self._weights[place], weight)
        return torch.where(rows[:, None] == rows, UNKNOWN, relation), weight

    def _find(self, keys: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Which pairs of numbers [B] are among the keys, and where: [B, B] each."""
        low, high = torch.minimum(numbers[:, None], numbers), torch.maximum(numbers[:, None], numbers)
        wanted = low * self._size + high
        place = torch.searchsorted(keys, wanted).clamp(max=max(len(keys) - 1, 0))
        return (keys[place] == wanted if len(keys) else torch.zeros_like(wanted, dtype=torch.bool)), place


def _keys(pairs: np.ndarray, n: int) -> np.ndarray:
    """Return a number for each pair [m, 2], whatever the order of its two."""
    low, high = np.sort(pairs, axis=1).T
    return low * n + high


def _round(rows: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw ``size`` rows, each equally often but for one, in an order drawn again in each round."""
    rounds = [rng.permutation(rows) for _ in range(-(-size // len(rows)))]
    return np.concatenate(rounds)[:size]
