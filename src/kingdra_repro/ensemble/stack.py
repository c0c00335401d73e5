"""A stack of M models in training: one forward, one backward, one optimizer step for all of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.bases import Base, Batch
from kingdra_repro.ensemble.batches import batch_slices, supervised_order, unsupervised_order
from kingdra_repro.ensemble.rows import Rows
from kingdra_repro.ensemble.seeds import Purpose, torch_stream

ADAM_EPSILON = 1e-7  # Keras's, which the public code uses


@dataclass(frozen=True)
class PseudoLabels:
    """Mini-clusters and the outputs that they stand for.

    Attributes
    ----------
    labels : int64 array [n], the mini-cluster of each point, -1 for none; each of the k has points
    outputs : int64 array [n_models, k], the output of each model that a mini-cluster is trained towards
    """

    labels: np.ndarray
    outputs: np.ndarray


@dataclass(frozen=True)
class Step:
    """Told after each training step: how far the epoch is, and the losses (each a Tensor [M])."""

    fraction: float
    losses: dict[str, Tensor]


class Stack:
    """The members of an ensemble that are trained together on one device.

    Parameters
    ----------
    base : the base model
    rows : the feature matrix
    n_clusters : k
    members : the numbers of these models within the ensemble; they select the random streams
    radii : Tensor [n], what ``base.radii`` gave, or None
    batch_size, learning_rate, order, precision, seed : see ``kingdra_repro.methods.Kingdra``
    """

    def __init__(
        self,
        base: Base,
        rows: Rows,
        n_clusters: int,
        members: list[int],
        *,
        batch_size: int,
        learning_rate: float,
        order: str,
        precision: str,
        seed: int,
        radii: Tensor | None = None,
    ) -> None:
        self.base, self.rows, self.members, self.radii = base, rows, members, radii
        self.batch_size, self.order, self.seed = batch_size, order, seed
        streams = [torch_stream(seed, member, Purpose.WEIGHTS) for member in members]
        self.network = base.build(rows.d, n_clusters, streams, precision).to(rows.device)
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), lr=learning_rate, eps=ADAM_EPSILON, fused=True
        )
        self.epoch = 0  # epochs done since the beginning, over all iterations
        self.losses: dict[str, Tensor] = {}  # each term's mean over the last epoch: [M], on the CPU

    def train_epoch(
        self, iteration: int, pseudo: PseudoLabels | None, on_step: Callable[[Step], None]
    ) -> None:
        """One pass over the set; with pseudo-labels, one supervised batch beside each unsupervised one.

        As in the public code the order of the config rules the epochs without pseudo-labels; with them the
        batches are always shuffled.
        """
        n, epoch = self.rows.n, self.epoch
        order = self.order if pseudo is None else "epoch"
        index = self._per_member(unsupervised_order(n, order, self.seed, m, epoch) for m in self.members)
        index_sup = targets = None
        if pseudo is not None:
            mini_clusters = [np.flatnonzero(pseudo.labels == c) for c in range(pseudo.outputs.shape[1])]
            index_sup = self._per_member(
                supervised_order(mini_clusters, n, self.seed, m, epoch) for m in self.members
            )
            labels = torch.from_numpy(pseudo.labels)[index_sup]
            targets = torch.from_numpy(pseudo.outputs[self.members]).gather(1, labels).to(self.rows.device)
        streams = [torch_stream(self.seed, m, Purpose.NOISE, epoch, self.rows.device) for m in self.members]
        sums: dict[str, Tensor] = {}
        for part in batch_slices(n, self.batch_size):
            n_rows = part.stop - part.start
            batch = Batch(
                x=self.rows[index[:, part]],
                noise=self.base.sample_noise(self.network, n_rows, pseudo is not None, streams),
                x_sup=None if index_sup is None else self.rows[index_sup[:, part]],
                y_sup=None if targets is None else targets[:, part],
                radius=None if self.radii is None else self.radii[index[:, part]],
            )
            losses = self.base.losses(self.network, batch, iteration)
            self.optimizer.zero_grad()
            losses["loss"].sum().backward()  # the sum: no member's gradient sees another's loss
            self.optimizer.step()
            losses = {name: value.detach() for name, value in losses.items()}
            weight = (part.stop - part.start) / n
            sums = {name: sums.get(name, 0) + weight * value for name, value in losses.items()}
            on_step(Step(part.stop / n, losses))
        self.optimizer.zero_grad()  # frees the gradients: other stacks have their turn now
        self.epoch += 1
        self.losses = {name: value.cpu() for name, value in sums.items()}

    def _per_member(self, orders: Iterable[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(list(orders)))

    def end_phase(self) -> None:
        """Compute the population moments that prediction uses."""
        self.network.set_moments(lambda: self.rows.chunks(self._chunk_size()))

    def _chunk_size(self) -> int:
        return max(256, 8192 // len(self.members))

    @torch.no_grad()
    def predict_proba(self, rows: Rows) -> Tensor:
        """Outputs of each model: float32 Tensor [M, n, k] on the CPU."""
        chunks = [torch.softmax(self.network(x), -1).cpu() for x in rows.chunks(self._chunk_size())]
        return torch.cat(chunks, dim=1)

    @torch.no_grad()
    def features(self) -> Tensor:
        """The first model's last hidden layer, for the data trained on: float32 [n, width] on the CPU."""
        chunks = [self.network.features(x)[0].cpu() for x in self.rows.chunks(self._chunk_size())]
        return torch.cat(chunks)

    def state_dict(self) -> dict:
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch,
            "losses": self.losses,
        }

    def load_state_dict(self, state: dict) -> None:
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch = state["epoch"]
        self.losses = state["losses"]
