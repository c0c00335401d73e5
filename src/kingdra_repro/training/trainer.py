"""All members of an ensemble, wherever they are trained."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.bases import Base
from kingdra_repro.data.links import Closure
from kingdra_repro.data.streamed import Matrix, StreamedMatrix
from kingdra_repro.errors import diverged
from kingdra_repro.training.beside import PseudoLabels
from kingdra_repro.training.checkpoint import Checkpoint
from kingdra_repro.training.options import TrainingOptions
from kingdra_repro.training.outputs import HELD_VALUES, Outputs
from kingdra_repro.training.prediction import FittedEnsemble
from kingdra_repro.training.ranks import begin
from kingdra_repro.training.stack import StepDone
from kingdra_repro.training.worker import Member, Task


class EnsembleTrainer:
    """M models, trained in phases of some epochs each; see `Stack` for what is trained.

    One device trains all in this process; with more, or under ``torchrun``, the members are dealt out to
    ranks, of which this process is the first. The result for a seed does not depend on how, beyond rounding.

    Parameters
    ----------
    bases : the base model of each member
    X : float32 array, CSR matrix or StreamedMatrix [n, d]
    n_clusters : int
    options : TrainingOptions
    seed : int
    devices : where the members are trained, by a rank each; under ``torchrun`` their kind alone counts
    checkpoint : where the members' states are saved, or None
    phase_done : the phase at whose end the members were saved, see `Worker`
    links : Closure or None, pairs that are learned from, see `Stack`
    """

    def __init__(
        self,
        bases: list[Base],
        X: Matrix,
        n_clusters: int,
        options: TrainingOptions,
        *,
        seed: int,
        devices: list[torch.device],
        checkpoint: Checkpoint | None,
        phase_done: int = -1,
        links: Closure | None = None,
    ) -> None:
        self.n_models, self._X = len(bases), X
        self._bases, self._n_clusters, self._n_features = bases, n_clusters, X.shape[1]
        self._precision = options.precision
        # Once for each kind: distances within the data take minutes.
        kinds = [base for i, base in enumerate(bases) if base not in bases[:i]]
        radii = [kind.radii(X, devices[0]) for kind in kinds]
        members = [Member(m, base, radii[kinds.index(base)]) for m, base in enumerate(bases)]
        # By kind, so that the work is even when they are dealt out by turns, in a mixed ensemble, too.
        members.sort(key=lambda member: kinds.index(member.base))
        task = Task(members, n_clusters, options, seed, checkpoint, phase_done, links)
        devices = devices[: self.n_models]
        self._worker = begin(task, X, str(devices[0] if len(devices) == 1 else devices[0].type), len(devices))

    def train(
        self,
        epochs: range,
        pseudo: PseudoLabels | None,
        on_step: Callable[[float, StepDone], None],
        phase: int | None,
    ) -> dict[str, float]:
        """Train every member for the epochs of a phase, and compute its moments.

        Members that a killed run has left within the phase, or at its end, go on from there.

        Parameters
        ----------
        epochs : of this phase, counted since the beginning
        pseudo : pseudo-labels to train on with, or None
        on_step : called after each step with the epochs that all members together have done since the
            beginning, and the step
        phase : its number, to save states within it; None: none are saved before `save` is called

        Returns
        -------
        The mean of each term of the loss in the last epoch, over the members that have it
        """
        # Those of a killed run have epochs behind them that were never reported. Other ranks are as far.
        done = dict.fromkeys((member.number for member in self._worker.members), float(epochs.start))

        def notify(step: StepDone) -> None:
            done.update(dict.fromkeys(step.members, step.epoch + step.fraction))
            on_step(sum(done.values()) * (self.n_models / len(done)), step)

        losses = self._worker.train(epochs, pseudo, notify, phase)
        return {name: float(np.mean(list(values.values()))) for name, values in losses.items()}

    def save(self, phase: int) -> None:
        """Save every member as it is at the end of the phase."""
        self._worker.save(phase)

    def outputs(self) -> Outputs:
        """Compute the outputs of all members for the data trained on.

        Raises
        ------
        InputError
            If there are NaN among them.
        """
        n, k = self._X.shape[0], self._n_clusters
        if isinstance(self._X, StreamedMatrix) or self.n_models * n * k > HELD_VALUES:
            return Outputs.in_blocks(self._predict_proba, self._X.shape, k)
        return Outputs.of(self._predict_proba(0, n))

    def _predict_proba(self, start: int, stop: int) -> Tensor:
        found = self._worker.predict_proba(start, stop)
        proba = torch.stack([found[m] for m in range(self.n_models)])
        if not torch.isfinite(proba).all():
            raise diverged()
        return proba

    def fitted(self) -> FittedEnsemble:
        """Return the members as they are now."""
        weights = [self._worker.weights(m) for m in range(self.n_models)]  # one by one: less memory
        return FittedEnsemble(self._bases, weights, self._n_features, self._n_clusters, self._precision)

    def close(self) -> None:
        """End what trains the members."""
        self._worker.close()
