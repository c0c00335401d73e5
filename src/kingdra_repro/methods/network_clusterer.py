"""What the comparison methods with one network share: how a fit begins, trains, resumes and tells."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from kingdra_repro.devices import choose_device
from kingdra_repro.errors import diverged
from kingdra_repro.methods.parameters import (
    PRECISIONS,
    check_choice,
    check_positive,
    check_seed,
    check_whole,
    check_widths,
    checked_data,
    undone_if_it_fails,
)
from kingdra_repro.methods.resuming import begin
from kingdra_repro.networks.products import tf32_products
from kingdra_repro.training.batches import batch_slices
from kingdra_repro.training.checkpoint import Checkpoint
from kingdra_repro.training.events import Iteration, Monitor, Progress
from kingdra_repro.training.rows import Rows
from kingdra_repro.training.seeds import Purpose, numpy_stream

SECONDS_BETWEEN_CHECKPOINTS = 60.0
CHUNK = 4096  # rows passed through a network at once when nothing is trained


class NetworkClusterer(ClusterMixin, BaseEstimator, ABC):
    """An estimator that trains one network: ``_fit`` says how, ``_assign`` what it answers.

    Parameters and attributes are described by the subclasses.
    """

    n_clusters: int
    hidden: tuple[int, ...]
    epochs: int
    batch_size: int
    learning_rate: float
    precision: str
    device: str
    random_state: int | np.random.RandomState | None
    checkpoint_dir: str | Path | None
    monitor: Monitor | None
    _network: nn.Module

    def fit(self, X: Any, y: Any = None) -> Self:
        """Cluster X: array or sparse matrix [n, d] of finite numbers, n >= n_clusters. ``y`` is ignored.

        Raises
        ------
        InputError
            (a ValueError) If a parameter has no meaning; ValueError for NaN, infinities, wrong shapes.
        """
        with undone_if_it_fails(self):
            self._check_parameters()
            X = checked_data(self, X, reset=True)
            self._device = choose_device(self.device)
            self._checkpoint: Checkpoint | None
            self._seed, self._checkpoint = begin(self, X)
            self._set_history([])
            self._began = self._saved = time.monotonic()
            self._fit(Rows(X, self._device))
            self._network.cpu()  # a fitted estimator may go to a machine without this device
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The cluster of each row of X: int64 array [n]; computed on the CPU, whatever ``device`` is."""
        check_is_fitted(self)
        return self._assign(Rows(checked_data(self, X, reset=False), torch.device("cpu")))

    @abstractmethod
    def _fit(self, rows: Rows) -> None:
        """Train, and set ``labels_``."""

    @abstractmethod
    def _assign(self, rows: Rows) -> np.ndarray:
        """The cluster of each row, int64 [n], as the fitted network has it."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _check_parameters(self) -> None:
        check_whole(self, self._least())
        check_positive(self, ["learning_rate"])
        check_choice(self, {"precision": PRECISIONS})
        check_widths(self, "hidden")
        check_seed(self)

    def _least(self) -> dict[str, int]:
        return {"n_clusters": 1, "epochs": 1, "batch_size": 2}

    def _train_on(
        self,
        optimizers: Sequence[torch.optim.Optimizer],
        batches: list[Tensor],
        losses: Callable[[Tensor], dict[str, Tensor]],
        on_step: Callable[[float, dict[str, Tensor]], None],
    ) -> dict[str, float]:
        """A step of the optimizers on each batch of row numbers, with products in ``precision``.

        Parameters
        ----------
        losses : gives the terms on a batch; ``loss`` is minimised
        on_step : called after each step with the part of the batches that is done, and the terms

        Returns
        -------
        The mean of each term over the rows
        """
        rounded = self.precision == "bfloat16"
        self._network.train()
        n = sum(len(batch) for batch in batches)
        done, sums = 0, dict[str, Tensor]()
        for batch in batches:
            with tf32_products(self.precision, self._device):
                # Entered once a step, since it keeps the rounded weights until it is left.
                with torch.autocast(self._device.type, torch.bfloat16, enabled=rounded):
                    terms = losses(batch)
                for optimizer in optimizers:
                    optimizer.zero_grad()
                terms["loss"].backward()
            for optimizer in optimizers:
                optimizer.step()
            terms = {name: value.detach() for name, value in terms.items()}
            sums = {name: sums.get(name, 0) + len(batch) / n * value for name, value in terms.items()}
            done += len(batch)
            on_step(done / n, terms)
        self._network.eval()
        return {name: float(value) for name, value in sums.items()}

    def _shuffled(self, n: int, epoch: int) -> list[Tensor]:
        """The rows of each batch of an epoch, on the device: a step then waits for nothing."""
        order = torch.from_numpy(numpy_stream(self._seed, 0, Purpose.ORDER, epoch).permutation(n))
        order = order.to(self._device)
        return [order[part] for part in batch_slices(n, self.batch_size)]

    def _kmeans_seed(self) -> int:
        return int(numpy_stream(self._seed, 0, Purpose.KMEANS).integers(2**31))

    def _progress(
        self, epoch: int, n_epochs: int, done: float, total: float, losses: dict[str, Tensor]
    ) -> None:
        if self.monitor is not None:
            self.monitor.progress(
                Progress(
                    iteration=0,
                    n_iter=0,
                    epoch=epoch,
                    n_epochs=n_epochs,
                    model_epochs_done=done,
                    model_epochs_total=total,
                    losses=lambda: {name: float(value) for name, value in losses.items()},
                    n_pseudo_labels=0,
                )
            )

    def _end_phase(self, labels: np.ndarray | None, facts: dict[str, Any]) -> None:
        """Add a row to the history, numbered from 1, and tell the monitor."""
        now = time.monotonic()
        index = len(self._rows) + 1
        row = {"iteration": index, "seconds": round(now - self._began, 3), **facts}
        self._began = now
        self._set_history([*self._rows, row])
        if self.monitor is not None:
            self.monitor.iteration(Iteration(index, labels, None, None, row))

    def _set_history(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows
        self.history_ = pd.DataFrame(rows)

    def _save(self, name: str, state: Callable[[], dict[str, Any]], *, last: bool) -> None:
        """Save a state with the history so far, if that is due or this is the phase's last."""
        if self._checkpoint and (last or time.monotonic() - self._saved > SECONDS_BETWEEN_CHECKPOINTS):
            self._checkpoint.save(name, {**state(), "rows": self._rows})
            self._saved = time.monotonic()

    def _load(self, name: str) -> dict[str, Any] | None:
        """A state that `_save` left; the history goes on from there."""
        state = self._checkpoint.load(name) if self._checkpoint else None
        if state is not None:
            self._set_history(state.pop("rows"))
        return state


@torch.no_grad()
def outputs(network: Callable[[Tensor], Tensor], rows: Rows) -> np.ndarray:
    """What a network gives for all rows: float32 [n, ...].

    Raises
    ------
    InputError
        If there are NaN among it.
    """
    found = torch.cat([network(chunk[0]).cpu() for chunk in rows.chunks(CHUNK)]).numpy()
    if not np.isfinite(found).all():
        raise diverged()
    return found
