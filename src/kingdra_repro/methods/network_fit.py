"""One fit of a single network: its data, seed, checkpoint and monitor, and the history of its phases."""

import logging
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from torch import Tensor

from kingdra_repro.methods.given_labels import Supervision
from kingdra_repro.training.batches import batch_slices
from kingdra_repro.training.checkpoint import (
    SECONDS_OF_A_SAVE,
    SHARE_WITHIN_PHASES,
    Checkpoint,
    SaveScheduler,
)
from kingdra_repro.training.events import Iteration, Monitor, Progress
from kingdra_repro.training.rows import Rows
from kingdra_repro.training.seeds import Purpose, numpy_stream

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class NetworkFit:
    """The state of one fit; for ensembles this is `kingdra_repro.methods.ensemble_fit.EnsembleFit`.

    Attributes
    ----------
    X : float32 array or CSR matrix [n, d], the data
    rows : X on the device that the network is trained on
    seed : seed of all random numbers
    supervision : labels and linked pairs passed to ``fit``, or None
    phases : one dict per finished phase; ``history`` is a DataFrame of them
    """

    X: np.ndarray | sp.csr_matrix
    rows: Rows
    seed: int
    checkpoint: Checkpoint | None
    monitor: Monitor | None
    supervision: Supervision | None = None
    phases: list[dict[str, Any]] = field(default_factory=list, init=False)
    _phase_began: float = field(default_factory=time.monotonic, init=False)

    def __post_init__(self) -> None:
        self._save_scheduler = SaveScheduler(SHARE_WITHIN_PHASES, SECONDS_OF_A_SAVE)

    @property
    def history(self) -> pd.DataFrame:
        return pd.DataFrame(self.phases)

    def shuffled(self, epoch: int, batch_size: int) -> list[Tensor]:
        """Return shuffled row indices of each batch of an epoch, on the device so that no step waits."""
        n = self.rows.n
        order = torch.from_numpy(numpy_stream(self.seed, 0, Purpose.ORDER, epoch).permutation(n))
        order = order.to(self.rows.device)
        return [order[part] for part in batch_slices(n, batch_size)]

    def kmeans_seed(self) -> int:
        return int(numpy_stream(self.seed, 0, Purpose.KMEANS).integers(2**31))

    def progress(
        self, epoch: int, n_epochs: int, done: float, total: float, losses: dict[str, Tensor]
    ) -> None:
        """Notify the monitor of a step, after ``done`` of the ``total`` epochs of the whole fit."""
        if self.monitor is not None:
            self.monitor.progress(
                Progress(
                    epoch=epoch,
                    n_epochs=n_epochs,
                    model_epochs_done=done,
                    model_epochs_total=total,
                    losses=lambda: {name: float(value) for name, value in losses.items()},
                )
            )

    def end_phase(self, labels: np.ndarray | None, metrics: dict[str, Any]) -> None:
        """Add a row to the history, numbered from 1, and notify the monitor."""
        now = time.monotonic()
        index = len(self.phases) + 1
        row = {"iteration": index, "seconds": round(now - self._phase_began, 3), **metrics}
        self._phase_began = now
        self.phases.append(row)
        if self.monitor is not None:
            self.monitor.iteration(Iteration(index, labels, None, None, row))

    def save(self, name: str, state: dict[str, Any], note: str, *, last: bool) -> None:
        """Save a state with the history so far, if a save is due or this is the last state of the phase.

        The previous state is kept, in case this one is damaged later.
        """
        if self.checkpoint and (last or self._save_scheduler.due()):
            with self._save_scheduler.save():
                self.checkpoint.rename(name, f"{name}-before")
                self.checkpoint.save(name, {**state, "rows": self.phases}, note)

    def load(self, name: str) -> dict[str, Any] | None:
        """Load the last saved state, or the previous one if that is damaged, and restore its history."""
        if self.checkpoint is None:
            return None
        before = f"{name}-before"
        if not self.checkpoint.is_complete(name) and self.checkpoint.is_complete(before):
            log.warning(
                "%s/%s.pt is damaged or lost: going on from the state before", self.checkpoint.folder, name
            )
            self.checkpoint.rename(before, name)
        state = self.checkpoint.load(name)
        if state is not None:
            self.phases = state.pop("rows")
        return state
