"""All members of an ensemble: cut into stacks, trained phase by phase, resumed where they were stopped."""

import itertools
import time
from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from kingdra_repro.bases import Ladder
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
    base : the base model
    X : float32 array or CSR matrix [n, d]
    n_clusters, n_models : int
    device : torch.device
    checkpoint : where stacks are saved, or None
    stack_size : members trained at once, or None: chosen for the device
    settings : batch_size, learning_rate, order, precision, seed, for `Stack`
    """

    def __init__(
        self,
        base: Ladder,
        X: np.ndarray | sp.csr_matrix,
        n_clusters: int,
        n_models: int,
        *,
        device: torch.device,
        checkpoint: Checkpoint | None,
        stack_size: int | None = None,
        **settings,
    ) -> None:
        self.n_models = n_models
        self.device = device
        self.checkpoint = checkpoint
        rows = Rows(X, device)
        size = stack_size or _stack_size(base, rows.d, n_clusters, n_models, device)
        cuts = [list(range(i, min(i + size, n_models))) for i in range(0, n_models, size)]
        self.stacks = [Stack(base, rows, n_clusters, members, **settings) for members in cuts]
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
        The mean over the members of each term of the loss in their last epoch
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
        names = self.stacks[0].losses
        return {
            name: float(torch.cat([stack.losses[name] for stack in self.stacks]).mean()) for name in names
        }

    def predict_proba(self, X: np.ndarray | sp.csr_matrix | None = None) -> Tensor:
        """Outputs of all members for X, or for the data trained on: float32 Tensor [M, n, k] on the CPU."""
        rows = None if X is None else Rows(X, self.device)
        return torch.cat([stack.predict_proba(rows or stack.rows) for stack in self.stacks])


def _name(stack: Stack) -> str:
    return f"models_{stack.members[0]}-{stack.members[-1]}"


def _stack_size(base: Ladder, d: int, n_clusters: int, n_models: int, device: torch.device) -> int:
    if device.type != "cpu":
        return n_models
    widths = (d, *base.hidden, n_clusters)
    weights = 2 * sum(a * b for a, b in itertools.pairwise(widths))
    return min(n_models, max(1, WEIGHTS_PER_CPU_STACK // weights))
