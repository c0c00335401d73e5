"""One fit of an ensemble: its models in training, the history of its phases, and its monitor."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from kingdra_repro.bases import make_bases
from kingdra_repro.data.streamed import Matrix, StreamedMatrix
from kingdra_repro.devices import choose_device, choose_devices
from kingdra_repro.errors import InputError, diverged
from kingdra_repro.methods.best_phase import BestPhase
from kingdra_repro.methods.fit_setup import seed_and_checkpoint
from kingdra_repro.methods.given_labels import NO_SUPERVISION, Supervision
from kingdra_repro.training.checkpoint import SHARE_AT_ENDS, SaveScheduler
from kingdra_repro.training.divergence import Diverged
from kingdra_repro.training.events import Iteration, Progress
from kingdra_repro.training.options import options_of
from kingdra_repro.training.outputs import HELD_VALUES, Outputs
from kingdra_repro.training.phases import mark_phase_done, resumable
from kingdra_repro.training.prediction import FittedEnsemble
from kingdra_repro.training.progress import shown_progress
from kingdra_repro.training.ranks import begin
from kingdra_repro.training.stack import StepDone
from kingdra_repro.training.supervised import PseudoLabels
from kingdra_repro.training.worker import Task, members_of

if TYPE_CHECKING:
    from kingdra_repro.methods.ensemble import Ensemble


@dataclass(frozen=True)
class PhaseResult:
    """The result of training for a phase.

    Attributes
    ----------
    losses : the mean of each loss term in the last epoch, over the models that have the term
    outputs : the outputs of all models for the data
    features : a function that computes the first model's last hidden layer for the data, float32 Tensor
        [n, width] on the CPU, for `KMeansPseudoLabels`
    """

    losses: dict[str, float]
    outputs: Outputs
    features: Callable[[], Tensor]


class EnsembleFit:
    """The models of an ensemble, trained phase by phase; phase 0 comes before the first pseudo-labels.

    An interrupted fit with the same settings and data is resumed. Always call ``close`` at the end.

    Parameters
    ----------
    ensemble : the estimator, whose parameters are used
    X : float32 array, CSR matrix or StreamedMatrix [n, d]
    epochs_total : epochs of all phases
    epochs_by_other_models : those of them that other models do before these start
    n_iter : index of the last phase
    supervision : labels and linked pairs passed to ``fit``
    rate : the user's name of the learning rate, for messages

    Attributes
    ----------
    phase : index of the phase in training, or of the next one
    history : DataFrame, one row per phase
    seed : seed of all random numbers
    checkpoint : where finished phases are recorded, with the pseudo-labels that the next one trains on
    device : where features are computed
    """

    def __init__(
        self,
        ensemble: "Ensemble",
        X: Matrix,
        *,
        epochs_total: int,
        epochs_by_other_models: int = 0,
        n_iter: int = 0,
        supervision: Supervision = NO_SUPERVISION,
        rate: str = "learning_rate",
    ) -> None:
        self._rate = rate
        self.X, self.n_iter, self.epochs_total = X, n_iter, epochs_total
        self._epochs_by_other_models = epochs_by_other_models
        labels = supervision.labels if len(supervision.classes) else None
        pairs = None if supervision.links is None else supervision.links.links
        self.seed, self.checkpoint = seed_and_checkpoint(
            ensemble, X, labels, pairs, ignored_parameters={"n_iter"}
        )
        self._resume_point = None if self.checkpoint is None else resumable(self.checkpoint)
        self._bases = make_bases(ensemble.base, ensemble.n_models)
        self.device = choose_device(ensemble.device)
        devices = choose_devices(ensemble.device, ensemble.n_jobs)
        self._task = Task(
            members_of(self._bases, X, devices[0]),
            ensemble.n_clusters,
            options_of(ensemble),
            self.seed,
            self.checkpoint,
            phase_done=-1 if self._resume_point is None else self._resume_point[0],
            links=supervision.links,
        )
        self._exit_stack = ExitStack()
        self._worker = begin(self._task, X, devices)
        self._exit_stack.callback(self._worker.close)
        self.monitor = self._exit_stack.enter_context(shown_progress(ensemble.verbose, ensemble.monitor))
        self._save_scheduler = SaveScheduler(SHARE_AT_ENDS.get(self.device.type, SHARE_AT_ENDS["cuda"]))
        self.phase = 0
        self._rows: list[dict[str, Any]] = []
        self._epochs_done = 0
        self._phase_began = time.monotonic()
        self._committed = -1  # the last phase recorded in the checkpoint
        self._models_saved = True  # in their current state

    def train(self, epochs: int, pseudo: PseudoLabels | None) -> PhaseResult:
        """Train all models for the epochs of a phase, and compute their outputs for the data.

        Models that an interrupted fit saved within the phase, or at its end, resume from there.

        At the end of a phase, either all models are saved or none: all after the last phase, and after other
        phases if a save is due. Within a phase, models are saved only if the end of the previous phase was
        saved; otherwise an interrupted fit could not resume from them.

        Raises
        ------
        InputError
            If training diverges, or the checkpoint has models of other epochs.
        """
        span = range(self._epochs_done, self._epochs_done + epochs)
        self._epochs_done = span.stop
        can_be_resumed = epochs > 0 and self._committed == self.phase - 1  # a finished fit trains none
        report = self._reporter(span, 0 if pseudo is None else int((pseudo.labels >= 0).sum()))
        try:
            losses = self._worker.train(span, pseudo, report, self.phase if can_be_resumed else None)
        except Diverged as error:
            raise diverged(f"iteration {self.phase}, {error}", self._rate) from error
        if self.checkpoint is not None and epochs > 0:
            self._models_saved = self.phase == self.n_iter or self._save_scheduler.due()
            if self._models_saved:
                with self._save_scheduler.save():
                    self._worker.save(self.phase)
        means = {name: float(np.mean(list(values.values()))) for name, values in losses.items()}
        return PhaseResult(means, self._outputs(), lambda: self.fitted().features(self.X, self.device))

    def _reporter(self, epochs: range, n_pseudo_labels: int) -> Callable[[StepDone], None]:
        """Return a callback that reports steps to the monitor; ``epochs`` count from the start of the fit."""
        n_models = len(self._bases)
        # Resumed models are further, as their first step shows; other ranks are taken to be as far.
        done = dict.fromkeys((member.number for member in self._worker.members), float(epochs.start))

        def report(step: StepDone) -> None:
            if self.monitor is None:
                return
            done.update(dict.fromkeys(step.members, step.epoch + step.fraction))
            done_by_all = sum(done.values()) * (n_models / len(done))
            self.monitor.progress(
                Progress(
                    iteration=self.phase,
                    n_iter=self.n_iter,
                    epoch=step.epoch - epochs.start + 1,
                    n_epochs=len(epochs),
                    model_epochs_done=done_by_all + self._epochs_by_other_models * n_models,
                    model_epochs_total=self.epochs_total * n_models,
                    losses=lambda: {name: float(value.mean()) for name, value in step.losses.items()},
                    n_pseudo_labels=n_pseudo_labels,
                )
            )

        return report

    def _outputs(self) -> Outputs:
        n, k = self.X.shape[0], self._task.n_clusters
        if isinstance(self.X, StreamedMatrix) or len(self._bases) * n * k > HELD_VALUES:
            return Outputs.in_blocks(self._predict_proba, self.X.shape, k)
        return Outputs.from_proba(self._predict_proba(0, n))

    def _predict_proba(self, start: int, stop: int) -> Tensor:
        found = self._worker.predict_proba(start, stop)
        proba = torch.stack([found[m] for m in range(len(self._bases))])
        if not torch.isfinite(proba).all():
            raise diverged(rate=self._rate)
        return proba

    def fitted(self) -> FittedEnsemble:
        """Return the current models, for prediction."""
        weights = [self._worker.weights(m) for m in range(len(self._bases))]  # one at a time, to save memory
        shape = self.X.shape[1], self._task.n_clusters
        return FittedEnsemble(self._bases, weights, *shape, self._task.options.precision)

    def end_phase(
        self,
        labels: np.ndarray,
        model_labels: np.ndarray,
        pseudo_labels: np.ndarray | None,
        metrics: dict[str, Any],
    ) -> None:
        """Add a row to the history, and notify the monitor; see `Iteration` for the arguments."""
        now = time.monotonic()
        row = {"iteration": self.phase, "seconds": round(now - self._phase_began, 3), **metrics}
        self._phase_began = now
        self._rows.append(row)
        if self.monitor is not None:
            self.monitor.iteration(Iteration(self.phase, labels, model_labels, pseudo_labels, row))
        self.phase += 1

    @property
    def history(self) -> pd.DataFrame:
        return pd.DataFrame(self._rows)

    def save(self, pseudo: PseudoLabels | None, best: BestPhase | None = None) -> None:
        """Record the finished phase in the checkpoint, with the next one's pseudo-labels and the best phase.

        Does nothing if the models of the phase were not saved: an interrupted fit then resumes from an
        earlier phase.
        """
        if self.checkpoint is None or not self._models_saved:
            return
        state: dict[str, Any] = {"rows": self._rows}
        if pseudo is not None:
            state["labels"] = torch.from_numpy(pseudo.labels)
            state["outputs"] = torch.from_numpy(pseudo.outputs)
        if best is not None:
            best.save(self.checkpoint)
        self._committed = self.phase - 1
        mark_phase_done(self.checkpoint, self._committed, state)

    def resume(self, epochs_until: Callable[[int], int]) -> PseudoLabels | None:
        """Resume after the last phase that `save` recorded; return the pseudo-labels for the next phase.

        ``epochs_until`` returns the number of epochs that these models have done at the end of a phase.

        Raises
        ------
        InputError
            If more phases are recorded than ``n_iter`` allows.
        """
        if self.checkpoint is None or self._resume_point is None:
            return None
        done, state = self._resume_point
        if done > self.n_iter:
            raise InputError(
                f"n_iter must be at least {done}, the iterations done in {self.checkpoint.folder}; "
                f"got {self.n_iter}: give another checkpoint_dir to start again",
                parameter="n_iter",
            )
        self._committed = done
        self.phase, self._rows, self._epochs_done = done + 1, state["rows"], epochs_until(done)
        if "labels" not in state:
            return None
        return PseudoLabels(state["labels"].numpy(), state["outputs"].numpy())

    def close(self) -> None:
        """Close the progress display and the workers."""
        self._exit_stack.close()
