"""Linked pairs in training: which points of a batch must be in one cluster, and which must not."""

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.data.links import Closure
from kingdra_repro.networks.pair_loss import ALIKE, UNKNOWN, UNLIKE


class LinkedPairs:
    """The known relations of pairs of points; ``pairs`` are the pairs that were given, int64 [m, 2]."""

    def __init__(self, closed: Closure, device: torch.device) -> None:
        self.pairs = np.concatenate([closed.links.must_link, closed.links.cannot_link])
        uncertain = closed.uncertain
        self._group = torch.from_numpy(closed.group).to(device)
        self._size = len(closed.group)
        self._cannot_link = torch.from_numpy(_keys(closed.cannot_link_groups, self._size)).to(device)
        # The weights of an uncertain pair that is given repeatedly are added, cannot-links as negative.
        all_keys = _keys(np.concatenate([uncertain.must_link, uncertain.cannot_link]), self._size)
        keys, place = np.unique(all_keys, return_inverse=True)
        signed = np.bincount(
            place, np.concatenate([uncertain.must_weight, -uncertain.cannot_weight]), len(keys)
        )
        kinds = np.select([signed > 0, signed < 0], [ALIKE, UNLIKE], UNKNOWN)
        self._uncertain = torch.from_numpy(keys).to(device)
        self._kinds = torch.from_numpy(kinds.astype(np.int8)).to(device)
        self._weights = torch.from_numpy(np.minimum(np.abs(signed), 1).astype(np.float32)).to(device)

    def relations(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the relation of each pair of rows [..., B], int8 [..., B, B], and its certainty, float32."""
        group = self._group[rows]
        relation = torch.where(group[..., :, None] == group[..., None, :], ALIKE, UNKNOWN).to(torch.int8)
        cannot_link, _ = self._find(self._cannot_link, group)
        relation = torch.where(cannot_link, UNLIKE, relation)
        uncertain, place = self._find(self._uncertain, rows)
        uncertain &= relation == UNKNOWN
        weight = torch.ones_like(relation, dtype=torch.float32)
        if len(self._uncertain):
            relation = torch.where(uncertain, self._kinds[place], relation)
            weight = torch.where(uncertain, self._weights[place], weight)
        return torch.where(rows[..., :, None] == rows[..., None, :], UNKNOWN, relation), weight

    def _find(self, keys: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Return which pairs of numbers [..., B] are among the sorted keys, and where: [..., B, B] each."""
        one, other = numbers[..., :, None], numbers[..., None, :]
        low, high = torch.minimum(one, other), torch.maximum(one, other)
        wanted = low * self._size + high
        place = torch.searchsorted(keys, wanted).clamp(max=max(len(keys) - 1, 0))
        return (keys[place] == wanted if len(keys) else torch.zeros_like(wanted, dtype=torch.bool)), place


def _keys(pairs: np.ndarray, n: int) -> np.ndarray:
    """Return an integer key for each pair [m, 2], the same for both orders of its points."""
    low, high = np.sort(pairs, axis=1).T
    return low * n + high
