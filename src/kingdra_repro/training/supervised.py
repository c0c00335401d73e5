"""The batches of a step besides the unsupervised one: pseudo-labelled points and linked points."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.training.batches import linked_order, subsample_mini_clusters, supervised_order
from kingdra_repro.training.linked_pairs import LinkedPairs
from kingdra_repro.training.rows import Rows, StreamedRows

# With n points, the term of linked pairs has its full weight if there are at least n / FULL_WEIGHT pairs.
FULL_WEIGHT = 4


@dataclass(frozen=True)
class PseudoLabels:
    """Mini-clusters and the outputs that they stand for.

    Attributes
    ----------
    labels : int64 array [n], the mini-cluster of each point, -1 for none; if they are labels given to a fit,
        some mini-clusters may have no points
    outputs : int64 array [n_models, k], for each model the output that a mini-cluster is trained towards
    """

    labels: np.ndarray
    outputs: np.ndarray


class SupervisedBatches:
    """Batches of pseudo-labelled points and of linked points, for an epoch of a stack.

    If some clusters have no points, as when a user labels only some classes, random unlabelled points take
    their places in the batches, with -1 for the output. Otherwise batch norm would normalise a batch of one
    class as if it were the whole data set, and the model would learn to put all points there.

    For a streamed matrix, at most as many labelled rows are in memory as are shuffled at once. If there are
    more, each epoch draws a new subset, equally many of each mini-cluster. ``n_inputs`` is the number of
    supervised inputs per step (0 to 2).
    """

    def __init__(
        self,
        rows: Rows | StreamedRows,
        members: tuple[int, ...],
        seed: int,
        epoch: int,
        pseudo: PseudoLabels | None,
        linked: LinkedPairs | None,
    ) -> None:
        self._device, self._n = rows.device, rows.n
        self._streams = [(seed, m, epoch) for m in members]
        self._pseudo, self._linked = pseudo, linked
        self.n_inputs = (pseudo is not None) + (linked is not None)
        if pseudo is not None:
            known = np.unique(pseudo.labels[pseudo.labels >= 0])
            clusters = [np.flatnonzero(pseudo.labels == c) for c in known]
            others = np.flatnonzero(pseudo.labels < 0)
            n_missing = pseudo.outputs.shape[1] - len(known) if len(others) else 0
            self._every_output = n_missing == 0
            clusters += [others] * n_missing
            self._mini_clusters = subsample_mini_clusters(clusters, rows.max_rows_in_memory, seed, epoch)
            self._labelled = rows.subset_lookup(np.concatenate(self._mini_clusters))
            self._labels = torch.from_numpy(pseudo.labels).to(self._device)
            self._outputs = torch.from_numpy(pseudo.outputs[list(members)]).to(self._device)
        if linked is not None:
            self._paired = rows.subset_lookup(linked.pairs)

    def draw_part(self, n: int, part: int) -> Callable[[slice], dict[str, Any]]:
        """Draw n points of each kind for a part of the epoch; return a map from slices to `Batch` fields."""
        index_sup = targets = index_linked = None
        if self._pseudo is not None:
            index_sup = self._stacked(
                [supervised_order(self._mini_clusters, n, *stream, part) for stream in self._streams]
            )
            labels = self._labels[index_sup]
            targets = torch.where(labels >= 0, self._outputs.gather(1, labels.clamp(min=0)), -1)
        if self._linked is not None:
            index_linked = self._stacked(
                [linked_order(self._linked.pairs, n, *stream, part) for stream in self._streams]
            )

        def of_slice(cut: slice) -> dict[str, Any]:
            found: dict[str, Any] = {}
            if index_sup is not None and targets is not None:
                x_sup = self._labelled[index_sup[:, cut]]
                found |= {"x_sup": x_sup, "y_sup": targets[:, cut], "every_output": self._every_output}
            if index_linked is not None and self._linked is not None:
                relation, certainty = self._linked.relations(index_linked[:, cut])
                # A few pairs are repeated often and would be overfitted, so they weigh less.
                certainty *= min(1.0, FULL_WEIGHT * len(self._linked.pairs) / self._n)
                x_linked = self._paired[index_linked[:, cut]]
                found |= {"x_linked": x_linked, "relation": relation, "certainty": certainty}
            return found

        return of_slice

    def _stacked(self, orders: list[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(orders)).to(self._device)
