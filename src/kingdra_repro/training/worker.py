"""Training of one device's members of an ensemble, one stack after another."""

import itertools
import zlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.bases import Base
from kingdra_repro.data.links import Closure
from kingdra_repro.data.streamed import Matrix
from kingdra_repro.errors import InputError
from kingdra_repro.training.checkpoint import (
    SECONDS_OF_A_SAVE,
    SHARE_WITHIN_PHASES,
    Checkpoint,
    SaveScheduler,
)
from kingdra_repro.training.options import TrainingOptions
from kingdra_repro.training.phases import models_of
from kingdra_repro.training.rows import Rows, make_rows
from kingdra_repro.training.stack import Stack, StepDone
from kingdra_repro.training.supervised import PseudoLabels
from kingdra_repro.training.threads import flush_denormals, useful_threads

# Approximate number of weights in a stack on a CPU. A stack hides the cost of launching operations, but is
# slower once activations no longer fit the caches. On a GPU all alike members share a stack.
WEIGHTS_PER_CPU_STACK = 2_000_000

MemberLosses = dict[str, dict[int, float]]  # term -> member -> its mean over the last epoch


@dataclass(frozen=True)
class Member:
    """One model of an ensemble: its number, its base model, and the result of ``base.radii``, or None."""

    number: int
    base: Base
    radii: np.ndarray | None


def members_of(bases: Sequence[Base], X: Matrix, device: torch.device) -> list[Member]:
    """Return the members of an ensemble of these bases, with radii that the device computes from X [n, d].

    Members with equal bases are adjacent, so that ranks get equal work when members are assigned in turn.
    """
    kinds = [base for i, base in enumerate(bases) if base not in bases[:i]]
    radii = [kind.radii(X, device) for kind in kinds]  # once per kind: distances within the data take minutes
    members = [Member(m, base, radii[kinds.index(base)]) for m, base in enumerate(bases)]
    return sorted(members, key=lambda member: kinds.index(member.base))


@dataclass(frozen=True)
class Task:
    """A training task, which is the same on all ranks.

    Attributes
    ----------
    members : the members of all ranks
    checkpoint : where the members' states are saved, or None
    phase_done : int
        Members start from their latest state saved at the end of this phase or within the next one. -1: from
        the state saved within phase 0, or else newly built.
    links : Closure or None, the linked pairs to learn from, see `Stack`
    """

    members: list[Member]
    n_clusters: int
    options: TrainingOptions
    seed: int
    checkpoint: Checkpoint | None = None
    phase_done: int = -1
    links: Closure | None = None


class Worker:
    """The members of an ensemble on one device.

    Members with equal bases and equally many epochs done share stacks. Apart from rounding, the results of a
    member do not depend on the other members.
    """

    def __init__(self, members: Sequence[Member], task: Task, X: Matrix, device: torch.device) -> None:
        self.device, self.checkpoint, self._n_clusters = device, task.checkpoint, task.n_clusters
        self._save_scheduler = SaveScheduler(SHARE_WITHIN_PHASES, SECONDS_OF_A_SAVE)
        self._saved: dict[tuple[int, ...], tuple[str, int]] = {}  # stack -> last saved name, epochs
        rows = make_rows(X, device)
        self._X = X
        self.stacks: list[Stack] = []
        states: dict[int, dict[str, Any]] = {}
        if task.checkpoint is not None:
            states = _latest_states(task.checkpoint, {member.number for member in members}, task.phase_done)

        bases = [member.base for member in members]

        def kind(member: Member) -> tuple[int, int]:
            first_equal = bases.index(member.base)
            return first_equal, states[member.number]["epoch"] if member.number in states else 0

        for _, group in itertools.groupby(sorted(members, key=kind), key=kind):
            alike = list(group)
            base = alike[0].base
            radii = None if alike[0].radii is None else torch.from_numpy(alike[0].radii).to(device)
            size = len(alike)
            if device.type == "cpu":
                size = max(1, WEIGHTS_PER_CPU_STACK // base.n_weights(rows.d, task.n_clusters))
            for i in range(0, len(alike), size):
                cut = tuple(member.number for member in alike[i : i + size])
                k, seed = task.n_clusters, task.seed
                stack = Stack(base, rows, k, cut, task.options, seed=seed, radii=radii, links=task.links)
                if cut[0] in states:
                    stack.load_member_states([states.pop(m) for m in cut])
                self.stacks.append(stack)

    def train(
        self,
        epochs: range,
        pseudo: PseudoLabels | None,
        on_step: Callable[[StepDone], None],
        phase: int | None,
    ) -> MemberLosses:
        """Train every member for the remaining epochs of a phase, and compute its moments.

        Parameters
        ----------
        epochs : the epochs of this phase, counted over all phases
        phase : the number of the phase, to save states within it; None: nothing is saved until `save`

        Returns
        -------
        MemberLosses, the mean of each term of the loss over each member's last epoch

        Raises
        ------
        InputError
            If a checkpoint has members with more epochs, or has lost those that the phase starts from.
        """
        for stack in self.stacks:
            if stack.epoch > epochs.stop:
                raise InputError(
                    f"The models in the checkpoint have done {stack.epoch} epochs, more than these "
                    f"{epochs.stop}: give as many iterations as before, or another checkpoint_dir"
                )
            if stack.epoch < epochs.start:
                raise InputError(
                    f"The checkpoint has no models that have done {epochs.start} epochs, as its iterations "
                    "have: put the files models_*.pt back, or give another checkpoint_dir"
                )
            if stack.epoch < epochs.stop and stack.offloaded:
                self._fetch(stack)
            while stack.epoch < epochs.stop:
                with _current(self.device), self._threads(stack), flush_denormals():
                    stack.train_epoch(pseudo, on_step, epochs.stop - stack.epoch)
                    if stack.epoch == epochs.stop:
                        stack.end_phase()
                if phase is not None and self._save_scheduler.due():
                    self._save(stack, phase)
            if phase is not None and self.checkpoint and self.device.type == "cpu" and len(self.stacks) > 1:
                self._save(stack, phase)
                stack.offload()
        losses: MemberLosses = {}
        for stack in self.stacks:
            for name, values in stack.losses.items():
                losses.setdefault(name, {}).update(zip(stack.members, values.tolist(), strict=True))
        return losses

    def save(self, phase: int) -> None:
        """Save the members whose states at the end of the phase are not saved yet."""
        for stack in self.stacks:
            self._save(stack, phase)

    def _save(self, stack: Stack, phase: int) -> None:
        name = f"phase{phase}/{_name(stack.members)}"
        saved = self._saved.get(stack.members) == (name, stack.epoch)
        if self.checkpoint is None or stack.epoch == 0 or saved:
            return
        with self._save_scheduler.save():
            note = " ".join(f"{m}:{stack.epoch}" for m in stack.members)  # read by `saved_progress`
            self.checkpoint.save(name, dict(stack.member_states()), note)
        self._saved[stack.members] = name, stack.epoch

    def _fetch(self, stack: Stack) -> None:
        """Load the saved state of an offloaded stack."""
        name = self._saved[stack.members][0]
        states = self.checkpoint.load(name) if self.checkpoint else None
        if states is None:
            raise InputError(f"The checkpoint has lost {name}.pt: run again to go on from an earlier state")
        stack.load_member_states([states[m] for m in stack.members])

    def predict_proba(self, start: int, stop: int) -> dict[int, Tensor]:
        """Compute the outputs of each member for rows start to stop: float32 Tensors [stop - start, k]."""
        whole = (start, stop) == (0, self._X.shape[0])
        rows = None if whole else Rows(self._X[start:stop], self.device)
        found: dict[int, Tensor] = {}
        for stack in self.stacks:
            with self._threads(stack):
                found.update(zip(stack.members, stack.predict_proba(rows), strict=True))
        return found

    def _threads(self, stack: Stack) -> AbstractContextManager:
        return useful_threads(stack.base.n_weights(stack.rows.d, self._n_clusters), self.device)

    def weights(self, member: int) -> dict[str, Tensor] | None:
        """Return the weights and moments of a member, on the CPU; None if this worker does not have it."""
        return next((stack.weights(member) for stack in self.stacks if member in stack.members), None)

    def close(self) -> None:
        self.stacks.clear()


def _current(device: torch.device) -> AbstractContextManager:
    """Make the device the current GPU, to which streams and graphs belong; the default is the first GPU."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def _name(members: tuple[int, ...]) -> str:
    name = "models_" + "_".join(map(str, members))
    if len(name) <= 200:
        return name
    return f"models_x{zlib.crc32(name.encode()):08x}"  # file systems allow names of up to 255 bytes


def _latest_states(checkpoint: Checkpoint, members: set[int], phase_done: int) -> dict[int, dict[str, Any]]:
    """Load each member's latest state, from a phase's end or within the next, of whatever stack it was in."""
    states: dict[int, dict[str, Any]] = {}
    for name in models_of(checkpoint, phase_done) + models_of(checkpoint, phase_done + 1):
        known = name.split("_")[1:]
        if not known[0].startswith("x") and members.isdisjoint(map(int, known)):
            continue
        for member, state in (checkpoint.load(name) or {}).items():
            if member in members and state["epoch"] > states.get(member, {"epoch": 0})["epoch"]:
                states[member] = state
    return states
