"""A stack of M models in training: one forward, one backward, one optimizer step for all of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.bases import Base, Batch
from kingdra_repro.data.links import Closure
from kingdra_repro.errors import InputError
from kingdra_repro.networks.products import tf32_products
from kingdra_repro.training.batches import batch_slices, unsupervised_order
from kingdra_repro.training.divergence import check_divergence
from kingdra_repro.training.linked_pairs import LinkedPairs
from kingdra_repro.training.options import TrainingOptions
from kingdra_repro.training.rows import Rows, StreamedRows
from kingdra_repro.training.seeds import Purpose, torch_stream
from kingdra_repro.training.step import TrainStep
from kingdra_repro.training.supervised import PseudoLabels, SupervisedBatches


@dataclass(frozen=True)
class StepDone:
    """The event of a training step that a stack has done.

    Attributes
    ----------
    members : the numbers of the stack's models
    epoch : the epoch in training, counted from 0 over the whole fit
    fraction : the fraction of this epoch that is done
    losses : each term of the loss, a Tensor [M]; valid until the next step
    """

    members: tuple[int, ...]
    epoch: int
    fraction: float
    losses: dict[str, Tensor]


class Stack:
    """The members of an ensemble that are trained together on one device.

    Parameters
    ----------
    members : the numbers of these models within the ensemble; they select the random streams
    radii : Tensor [n] from ``base.radii``, or None
    links : Closure or None, linked pairs, from which each step learns in addition to the other rows
    """

    def __init__(
        self,
        base: Base,
        rows: Rows | StreamedRows,
        n_clusters: int,
        members: tuple[int, ...],
        options: TrainingOptions,
        *,
        seed: int,
        radii: Tensor | None = None,
        links: Closure | None = None,
    ) -> None:
        self.linked = None if links is None else LinkedPairs(links, rows.device)
        self.base, self.rows, self.members, self.radii = base, rows, members, radii
        self.options, self.seed = options, seed
        streams = [torch_stream(seed, member, Purpose.WEIGHTS) for member in members]
        self.network = base.build(rows.d, n_clusters, streams, options.precision).to(rows.device)
        for name, tensor in self.network.state_dict().items():
            if tensor.shape[:1] != (len(members),):
                raise InputError(
                    f"{type(base).__name__}.build must give tensors whose first axis is the model, "
                    f"[{len(members)}, ...]; got {name} of shape {list(tensor.shape)}"
                )
        self.step = TrainStep(base, self.network, options)
        self.epoch = 0  # epochs done, over all iterations
        self.offloaded = False
        self.losses: dict[str, Tensor] = {}  # each term's mean over the last epoch: [M], on the CPU

    def train_epoch(
        self, pseudo: PseudoLabels | None, on_step: Callable[[StepDone], None], epochs_left: int = 1
    ) -> None:
        """Train for one epoch; with pseudo-labels, each unsupervised batch comes with a supervised one.

        ``epochs_left`` counts the epochs of the phase that are left, with this one: in the last
        ``decay_epochs`` of them the learning rate falls.

        As in the public code, the option ``order`` applies only without pseudo-labels; with them the rows are
        reshuffled in every epoch.
        """
        assert not self.offloaded, "its state has to be loaded first"
        n, epoch = self.rows.n, self.epoch
        order = self.options.order if pseudo is None else "epoch"
        supervised = SupervisedBatches(self.rows, self.members, self.seed, epoch, pseudo, self.linked)
        streams = [torch_stream(self.seed, m, Purpose.NOISE, epoch, self.rows.device) for m in self.members]
        sums: Tensor | None = None
        losses: dict[str, Tensor] = {}
        done = 0
        parts = self.rows.parts(order != "file", self.seed, 0 if order == "once" else epoch)
        for number, part in enumerate(parts):
            orders = [unsupervised_order(part.n, order, self.seed, m, epoch, number) for m in self.members]
            # The indices are on the device now, so that no step waits for a transfer.
            place = torch.from_numpy(np.stack(orders)).to(self.rows.device)
            index = place if part.row_index is None else part.row_index[place]
            supervised_part = supervised.draw_part(part.n, number)
            for cut in batch_slices(part.n, self.options.batch_size):
                n_rows = cut.stop - cut.start
                batch = Batch(
                    x=part.rows[place[:, cut]],
                    noise=self.base.sample_noise(self.network, n_rows, supervised.n_inputs, streams),
                    radius=None if self.radii is None else self.radii[index[:, cut]],
                    **supervised_part(cut),
                )
                if self.options.decay_epochs:
                    left = epochs_left - (done + cut.start) / n
                    falling = min(1.0, left / self.options.decay_epochs)
                    self.step.optimizer.set_learning_rate(self.options.learning_rate * falling)
                with tf32_products(self.options.precision, self.rows.device):
                    losses = self.step(batch)
                values = torch.stack(list(losses.values())) * (n_rows / n)
                sums = values if sums is None else sums.add_(values)
                on_step(StepDone(self.members, epoch, (done + cut.stop) / n, losses))
            done += part.n
        assert sums is not None
        self.epoch += 1
        self.losses = dict(zip(losses, sums.cpu(), strict=True))
        names = [f"model {member}" for member in self.members]
        check_divergence(self.network.parameters(), self.losses, names, self.epoch)

    def end_phase(self) -> None:
        """Compute the population moments that prediction uses, and free what only training needs."""
        self.step.free()
        self.network.set_moments(lambda: self.rows.chunks(self._chunk_size()))

    def predict_proba(self, rows: Rows | None = None) -> Tensor:
        """Compute the outputs of each model for ``rows``, by default all: float32 [M, n, k] on the CPU."""
        return predict_proba(self.network, self.rows if rows is None else rows, self._chunk_size())

    def _chunk_size(self) -> int:
        return rows_at_once(len(self.members), self.rows.d, self.rows.device)

    # States are kept per member, so that a run can resume with other stacks and in other processes.

    def weights(self, member: int) -> dict[str, Tensor]:
        """Return the weights and moments of a member, on the CPU."""
        i = self.members.index(member)
        return {name: value[i].to("cpu", copy=True) for name, value in self.network.state_dict().items()}

    def member_states(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (member, state) for each member; a state has plain values and tensors on the CPU."""
        optimizer = self.step.optimizer.state
        for i, member in enumerate(self.members):
            losses = {name: float(value[i]) for name, value in self.losses.items()}
            adam: dict[str, dict[str, Any]] = {}
            for name, p in self.network.named_parameters():
                if (state := optimizer.get(p)) is not None:
                    m, v = (state[moment][i].to("cpu", copy=True) for moment in ("exp_avg", "exp_avg_sq"))
                    adam[name] = {"step": float(state["step"]), "m": m, "v": v}
            network = self.weights(member)
            yield member, {"epoch": self.epoch, "losses": losses, "network": network, "adam": adam}

    def offload(self) -> None:
        """Free Adam's moments, two thirds of a stack's memory, which must have been saved.

        The stack can still predict; to train again it needs `load_member_states`.
        """
        self.step.optimizer.state.clear()
        self.offloaded = True

    def load_member_states(self, states: list[dict[str, Any]]) -> None:
        """Resume from states of this stack's members, all after the same number of epochs."""
        first = states[0]
        self.offloaded = False
        self.epoch = first["epoch"]
        self.losses = {name: torch.tensor([s["losses"][name] for s in states]) for name in first["losses"]}
        network = {name: torch.stack([s["network"][name] for s in states]) for name in first["network"]}
        self.network.load_state_dict(network)
        for name, p in self.network.named_parameters():
            if name in first["adam"]:
                self.step.optimizer.load_state(
                    p,
                    first["adam"][name]["step"],
                    torch.stack([s["adam"][name]["m"] for s in states]),
                    torch.stack([s["adam"][name]["v"] for s in states]),
                )


def rows_at_once(n_models: int, d: int, device: torch.device) -> int:
    """Return the number of rows of `d` numbers that a stack of models predicts at once."""
    rows_of_all = 2048 if device.type == "cpu" else 2**16  # little memory; enough to fill a GPU
    in_1_gib = 2**28 // d  # sparse and streamed rows become dense float32 here
    return max(256, min(rows_of_all // n_models, in_1_gib))


@torch.no_grad()
def predict_proba(network: torch.nn.Module, rows: Rows | StreamedRows, chunk_size: int) -> Tensor:
    """Compute the outputs of each model of a stack: float32 Tensor [M, n, k] on the CPU."""
    return torch.cat([torch.softmax(network(x), -1).cpu() for x in rows.chunks(chunk_size)], dim=1)
