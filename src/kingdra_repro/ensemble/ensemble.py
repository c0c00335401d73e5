"""All members of an ensemble: cut into stacks, trained phase by phase, resumed where they were stopped."""

import time
from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from kingdra_repro.bases import Base
from kingdra_repro.ensemble.checkpoint import Checkpoint
from kingdra_repro.ensemble.rows import Rows
from kingdra_repro.ensemble.stack import PseudoLabels, Stack, Step

# A CPU gains from a stack while it hides the cost of launching operations, and loses once activations no
# longer fit its caches: about so many weights are trained at once. A GPU takes all members.
WEIGHTS_PER_CPU_STACK = 2_000_000
SECONDS_BETWEEN_CHECKPOINTS = 60.0


class TrainedEnsemble:
    """M models, trained in phases of some epochs each; see `Stack` for what is trained.

    The result for a seed does not depend on how the members are cut into stacks, beyond rounding.

    Parameters
    ----------
    bases : the base model of each member; members of equal bases share stacks
    X : float32 array or CSR matrix [n, d]
    n_clusters : int
    device : torch.device
    checkpoint : where stacks are saved, or None
    stack_size : members trained at once, or None: chosen for the device
    settings : batch_size, learning_rate, order, precision, seed, for `Stack`
    """

    def __init__(
        self,
        bases: list[Base],
        X: np.ndarray | sp.csr_matrix,
        n_clusters: int,
        *,
        device: torch.device,
        checkpoint: Checkpoint | None,
        stack_size: int | None = None,
        **settings,
    ) -> None:
        self.n_models = len(bases)
        self.device = device
        self.checkpoint = checkpoint
        rows = Rows(X, device)
        self.stacks: list[Stack] = []
        for base in dict.fromkeys(bases):
            radii = base.radii(X)
            values = None if radii is None else torch.from_numpy(radii).to(device)
            members = [m for m in range(self.n_models) if bases[m] == base]
            size = stack_size or _stack_size(base, rows.d, n_clusters, len(members), device)
            for cut in (members[i : i + size] for i in range(0, len(members), size)):
                self.stacks.append(Stack(base, rows, n_clusters, cut, radii=values, **settings))
        for stack in self.stacks:
            if checkpoint and (state := checkpoint.load(_name(stack))):
                stack.load_state_dict(state)

    def train(
        self,
        iteration: int,
        until_epoch: int,
        pseudo: PseudoLabels | None,
        on_step: Callable[[int, int, Step], None],
    ) -> dict[str, float]:
        """Train every member until it has done ``until_epoch`` epochs in all, and compute its moments.

        Parameters
        ----------
        iteration : 0 for the first, unsupervised phase
        until_epoch : epochs since the beginning
        pseudo : pseudo-labels to train on with, or None
        on_step : called after each step with (models before this stack, epoch of this stack, Step)

        Returns
        -------
        The mean of each term of the loss in the last epoch, over the members that have it
        """
        before = 0
        for stack in self.stacks:
            saved = time.monotonic()
            while stack.epoch < until_epoch:
                epoch = stack.epoch
                stack.train_epoch(
                    iteration,
                    pseudo,
                    lambda step, b=before, e=epoch: on_step(b, e, step),  # type: ignore[misc]
                )
                last = stack.epoch == until_epoch
                if last:
                    stack.end_phase()
                if self.checkpoint and (last or time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS):
                    self.checkpoint.save(_name(stack), stack.state_dict())
                    saved = time.monotonic()
            before += len(stack.members)
        names = dict.fromkeys(name for stack in self.stacks for name in stack.losses)
        return {name: self._mean_loss(name) for name in names}

    def _mean_loss(self, name: str) -> float:
        values = [stack.losses[name] for stack in self.stacks if name in stack.losses]
        return float(torch.cat(values).mean())

    def predict_proba(self, X: np.ndarray | sp.csr_matrix | None = None) -> Tensor:
        """Outputs of all members for X, or for the data trained on: float32 Tensor [M, n, k] on the CPU."""
        rows = None if X is None else Rows(X, self.device)
        proba = torch.cat([stack.predict_proba(rows or stack.rows) for stack in self.stacks])
        members = [member for stack in self.stacks for member in stack.members]
        return proba if members == sorted(members) else proba[np.argsort(members)]

    def features(self) -> Tensor:
        """The last hidden layer of model 0, for the data trained on: float32 Tensor [n, width] on the CPU."""
        return self.stacks[0].features()


def _name(stack: Stack) -> str:
    return "models_" + "_".join(map(str, stack.members))


def _stack_size(base: Base, d: int, n_clusters: int, n_models: int, device: torch.device) -> int:
    if device.type != "cpu":
        return n_models
    return min(n_models, max(1, WEIGHTS_PER_CPU_STACK // base.n_weights(d, n_clusters)))
