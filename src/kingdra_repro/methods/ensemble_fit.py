"""One fit of an ensemble: its models in training, the history of its phases, and who watches."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from kingdra_repro.bases import make_bases
from kingdra_repro.data.streamed import Matrix
from kingdra_repro.devices import choose_device, choose_devices
from kingdra_repro.errors import InputError, diverged
from kingdra_repro.methods.begin import seed_and_checkpoint
from kingdra_repro.methods.best_phase import BestPhase
from kingdra_repro.methods.given_labels import Given
from kingdra_repro.training.beside import PseudoLabels
from kingdra_repro.training.checkpoint import SHARE_AT_ENDS, Checkpoint, Pace
from kingdra_repro.training.divergence import Diverged
from kingdra_repro.training.events import Iteration, Monitor, Progress
from kingdra_repro.training.options import options_of
from kingdra_repro.training.outputs import Outputs
from kingdra_repro.training.phases import note_phase, resumable
from kingdra_repro.training.prediction import FittedEnsemble
from kingdra_repro.training.progress import shown_progress
from kingdra_repro.training.stack import StepDone
from kingdra_repro.training.trainer import EnsembleTrainer

if TYPE_CHECKING:
    from kingdra_repro.methods.ensemble import Ensemble


@dataclass(kw_only=True)
class EnsembleFit:
    """Models that are trained phase by phase, phase 0 without labels; ``close`` it, whatever happens.

    Parameters
    ----------
    trainer : EnsembleTrainer
    X : float32 array, CSR matrix or StreamedMatrix [n, d], the data that it trains on
    device : torch.device, where features are computed
    seed : int, of all random numbers
    checkpoint : Checkpoint or None
        Where a phase that is done is noted, with the pseudo-labels that the next one trains on.
    left : (int, dict) or None
        The last phase that a killed fit noted, and its state; see `kingdra_repro.training.phases`.
    monitor : Monitor or None
    verbose : int, 1: the progress is shown until the fit is closed
    n_iter : int, the number of the last phase
    epochs_total : int, of all phases
    epochs_elsewhere : int
        So many of them are done by other models, before these begin.

    Attributes
    ----------
    phase : int, the number of the phase that is next, or in training
    history : DataFrame, a row a phase
    """

    trainer: EnsembleTrainer
    X: Matrix
    device: torch.device
    seed: int
    checkpoint: Checkpoint | None
    left: tuple[int, dict[str, Any]] | None = None
    monitor: Monitor | None
    verbose: int = 0
    n_iter: int
    epochs_total: int
    epochs_elsewhere: int = 0
    phase: int = field(default=0, init=False)
    _rows: list[dict[str, Any]] = field(default_factory=list, init=False)
    _epochs_done: int = field(default=0, init=False)
    _phase_began: float = field(default_factory=time.monotonic, init=False)
    _committed: int = field(default=-1, init=False)  # the last phase that is
    _models_saved: bool = field(default=True, init=False)  # as they are now

    def __post_init__(self) -> None:
        self._until_closed = ExitStack()
        self.monitor = self._until_closed.enter_context(shown_progress(self.verbose, self.monitor))
        self._pace = Pace(SHARE_AT_ENDS.get(self.device.type, SHARE_AT_ENDS["cuda"]))

    def train(self, epochs: int, pseudo: PseudoLabels | None) -> dict[str, float]:
        """Train all models for some epochs; the mean of each term of the loss in the last.

        At the end all are saved, or none: those of the last phase are, and others where that is due. Within
        the phase some are where it begins with what is saved, since it could not be taken up otherwise.
        """
        span = range(self._epochs_done, self._epochs_done + epochs)
        n_models = self.trainer.n_models
        n_pseudo_labels = 0 if pseudo is None else int((pseudo.labels >= 0).sum())

        def report(done: float, step: StepDone) -> None:
            if self.monitor is None:
                return
            self.monitor.progress(
                Progress(
                    iteration=self.phase,
                    n_iter=self.n_iter,
                    epoch=step.epoch - span.start + 1,
                    n_epochs=epochs,
                    model_epochs_done=done + self.epochs_elsewhere * n_models,
                    model_epochs_total=self.epochs_total * n_models,
                    losses=lambda: {name: float(value.mean()) for name, value in step.losses.items()},
                    n_pseudo_labels=n_pseudo_labels,
                )
            )

        self._epochs_done = span.stop
        resumable = epochs > 0 and self._committed == self.phase - 1  # a fit that is done trains no epochs
        try:
            losses = self.trainer.train(span, pseudo, report, self.phase if resumable else None)
        except Diverged as error:
            raise diverged(f"iteration {self.phase}, {error}") from error
        if self.checkpoint is not None and epochs > 0:
            self._models_saved = self.phase == self.n_iter or self._pace.due()
            if self._models_saved:
                with self._pace.save():
                    self.trainer.save(self.phase)
        return losses

    def outputs(self) -> Outputs:
        """Compute the outputs of all models for the data."""
        return self.trainer.outputs()

    def features(self) -> Tensor:
        """Compute the first model's last hidden layer for the data: float32 Tensor [n, width] on the CPU."""
        return self.fitted().features(self.X, self.device)

    def fitted(self) -> FittedEnsemble:
        """Return the models as they are now, to predict with."""
        return self.trainer.fitted()

    def end_phase(
        self,
        labels: np.ndarray,
        model_labels: np.ndarray,
        pseudo_labels: np.ndarray | None,
        facts: dict[str, Any],
    ) -> None:
        """Add a row to the history, and notify the monitor; see `Iteration` for the arguments."""
        now = time.monotonic()
        row = {"iteration": self.phase, "seconds": round(now - self._phase_began, 3), **facts}
        self._phase_began = now
        self._rows.append(row)
        if self.monitor is not None:
            self.monitor.iteration(Iteration(self.phase, labels, model_labels, pseudo_labels, row))
        self.phase += 1

    @property
    def history(self) -> pd.DataFrame:
        return pd.DataFrame(self._rows)

    def save(self, pseudo: PseudoLabels | None, best: BestPhase | None = None) -> None:
        """Note in the checkpoint that the phase before is done, what the next one trains on, and the best.

        Not where its models were not saved: a killed fit then goes on from an earlier phase.
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
        note_phase(self.checkpoint, self._committed, state)

    def resume(self, epochs_until: Callable[[int], int]) -> PseudoLabels | None:
        """Go on after the last phase that `save` noted; the pseudo-labels that the next one trains on.

        Parameters
        ----------
        epochs_until : gives the epochs that these models have done at the end of a phase

        Raises
        ------
        InputError
            If more phases are done than there are to be.
        """
        if self.checkpoint is None or self.left is None:
            return None
        done, state = self.left
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
        """End what trains the models, and what is shown."""
        self._until_closed.close()
        self.trainer.close()


def begin_fit(
    ensemble: "Ensemble",
    X: Matrix,
    *,
    epochs_total: int,
    epochs_elsewhere: int = 0,
    n_iter: int = 0,
    given: Given | None = None,
) -> EnsembleFit:
    """Make the models of an ensemble, or take up those of a killed fit with the same settings and data.

    Parameters
    ----------
    ensemble : the parameters of the fit
    X : float32 array or CSR matrix [n, d]
    epochs_total, epochs_elsewhere, n_iter : see `EnsembleFit`
    given : what it is told of some points, or None
    """
    labels = None if given is None or len(given.classes) == 0 else given.labels
    links = None if given is None else given.links
    told = None if links is None else links.links
    seed, checkpoint = seed_and_checkpoint(ensemble, X, labels, told, may_change={"n_iter"})
    left = None if checkpoint is None else resumable(checkpoint)
    trainer = EnsembleTrainer(
        make_bases(ensemble.base, ensemble.n_models),
        X,
        ensemble.n_clusters,
        options_of(ensemble),
        seed=seed,
        devices=choose_devices(ensemble.device, ensemble.n_jobs),
        checkpoint=checkpoint,
        phase_done=-1 if left is None else left[0],
        links=links,
    )
    return EnsembleFit(
        trainer=trainer,
        X=X,
        device=choose_device(ensemble.device),
        seed=seed,
        checkpoint=checkpoint,
        left=left,
        monitor=ensemble.monitor,
        verbose=ensemble.verbose,
        n_iter=n_iter,
        epochs_total=epochs_total,
        epochs_elsewhere=epochs_elsewhere,
    )
