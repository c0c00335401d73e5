"""What the comparison methods with one network share: how a fit begins, trains, resumes and tells."""

import logging
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from kingdra_repro.checks import Check, choice, integer, positive, widths
from kingdra_repro.data.links import Links
from kingdra_repro.devices import choose_device
from kingdra_repro.errors import diverged
from kingdra_repro.library_state import default_library_state
from kingdra_repro.methods.begin import seed_and_checkpoint
from kingdra_repro.methods.clusterer import TrainedClusterer
from kingdra_repro.methods.features import checked_data
from kingdra_repro.networks.products import tf32_products
from kingdra_repro.training.batches import batch_slices
from kingdra_repro.training.checkpoint import SECONDS_OF_A_SAVE, SHARE_WITHIN_PHASES, Checkpoint, Pace
from kingdra_repro.training.divergence import Diverged, check_divergence
from kingdra_repro.training.events import Iteration, Monitor, Progress
from kingdra_repro.training.options import PRECISIONS
from kingdra_repro.training.progress import shown_progress
from kingdra_repro.training.rows import Rows
from kingdra_repro.training.seeds import Purpose, numpy_stream

CHUNK = 4096  # rows passed through a network at once when nothing is trained

log = logging.getLogger(__name__)


@dataclass(eq=False, repr=False, kw_only=True)
class NetworkClusterer(TrainedClusterer):
    """An estimator that trains one network: ``_fit_rows`` says how, ``_assign`` what it answers.

    Parameters
    ----------
    hidden : sequence of int, default=(1200, 1200)
        Widths of the network's hidden layers.
    epochs : int
        Passes over the data.
    batch_size : int, default=256
    learning_rate : float, default=0.001
        Of Adam.
    precision : {"float32", "tf32", "bfloat16"}, default="float32"
        Of the matrix products in training; everything else is float32. "tf32" is "float32" on a CPU.
    n_clusters, device, random_state, checkpoint_dir, monitor, verbose : see `TrainedClusterer`
    """

    checks: ClassVar[dict[str, Check]] = {
        **TrainedClusterer.checks,
        "hidden": widths,
        "epochs": integer(1),
        "batch_size": integer(2),
        "learning_rate": positive,
        "precision": choice(*PRECISIONS),
    }

    hidden: tuple[int, ...] = (1200, 1200)
    epochs: int = 200
    batch_size: int = 256
    learning_rate: float = 0.001
    precision: str = "float32"

    _network: nn.Module = field(init=False)
    _watcher: Monitor | None = field(init=False)

    def _fit(
        self, X: np.ndarray | sp.csr_matrix, labels: np.ndarray | None = None, links: Links | None = None
    ) -> None:
        self._device = choose_device(self.device)
        self._checkpoint: Checkpoint | None
        self._seed, self._checkpoint = seed_and_checkpoint(self, X, labels, links)
        self._set_history([])
        self._began = time.monotonic()
        self._pace = Pace(SHARE_WITHIN_PHASES, SECONDS_OF_A_SAVE)
        with shown_progress(self.verbose, self.monitor) as self._watcher:
            self._fit_rows(Rows(X, self._device))
        del self._watcher, self._device, self._seed, self._checkpoint, self._began, self._pace, self._rows
        self._network.cpu()  # a fitted estimator may go to a machine without this device

    @default_library_state()
    def predict(self, X: Any) -> np.ndarray:
        """Predict the cluster of each row of X: int64 array [n]; on the CPU, whatever ``device`` is."""
        check_is_fitted(self)
        return self._assign(Rows(checked_data(self, X, reset=False), torch.device("cpu")))

    @default_library_state()
    def last_hidden_layer(self, X: Any) -> np.ndarray:
        """Compute what is clustered, the network's code or features for the rows of X: float32 [n, width]."""
        check_is_fitted(self)
        return outputs(self._network, Rows(checked_data(self, X, reset=False), torch.device("cpu")))

    def state_dict(self) -> dict[str, np.ndarray]:
        network = {f"network.{name}": value.numpy() for name, value in self._network.state_dict().items()}
        return {**super().state_dict(), **network}

    def load_state_dict(self, state: dict[str, np.ndarray], n_features: int) -> None:
        super().load_state_dict(state, n_features)
        with torch.device("meta"):  # weights are not drawn: these are put in their place
            self._network = self._make_network(n_features, torch.Generator("cpu")).eval()
        network = {
            name.removeprefix("network."): torch.from_numpy(value)
            for name, value in state.items()
            if name.startswith("network.")
        }
        self._network.load_state_dict(network, assign=True)

    @abstractmethod
    def _make_network(self, n_features: int, generator: torch.Generator) -> nn.Module:
        """Make the network for d features, with initial weights from the generator."""

    @abstractmethod
    def _fit_rows(self, rows: Rows) -> None:
        """Train, and set ``labels_``."""

    @abstractmethod
    def _assign(self, rows: Rows) -> np.ndarray:
        """Predict the cluster of each row, int64 [n], as the fitted network has it."""

    def _train_on(
        self,
        optimizers: Sequence[torch.optim.Optimizer],
        batches: list[Tensor],
        losses: Callable[[Tensor], dict[str, Tensor]],
        on_step: Callable[[float, dict[str, Tensor]], None],
        phase: str,
        epoch: int,
    ) -> dict[str, float]:
        """Take a step of the optimizers on each batch of row numbers, with products in ``precision``.

        Parameters
        ----------
        losses : gives the terms on a batch; ``loss`` is minimised
        on_step : called after each step with the fraction of the batches that is done, and the terms
        phase, epoch : what is trained, and how far, where it has to be said that it diverges

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
        try:
            check_divergence(self._network.parameters(), sums, [type(self).__name__], epoch)
        except Diverged as error:
            raise diverged(f"{phase}, {error}") from error
        return {name: float(value) for name, value in sums.items()}

    def _shuffled(self, n: int, epoch: int) -> list[Tensor]:
        """Return the rows of each batch of an epoch, on the device: a step then waits for nothing."""
        order = torch.from_numpy(numpy_stream(self._seed, 0, Purpose.ORDER, epoch).permutation(n))
        order = order.to(self._device)
        return [order[part] for part in batch_slices(n, self.batch_size)]

    def _kmeans_seed(self) -> int:
        return int(numpy_stream(self._seed, 0, Purpose.KMEANS).integers(2**31))

    def _progress(
        self, epoch: int, n_epochs: int, done: float, total: float, losses: dict[str, Tensor]
    ) -> None:
        if self._watcher is not None:
            self._watcher.progress(
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
        if self._watcher is not None:
            self._watcher.iteration(Iteration(index, labels, None, None, row))

    def _set_history(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows
        self.history_ = pd.DataFrame(rows)

    def _save(self, name: str, state: Callable[[], dict[str, Any]], note: str, *, last: bool) -> None:
        """Save a state with the history so far, if that is due or this is the phase's last.

        The one before is kept, in case that this one is damaged later.
        """
        if self._checkpoint and (last or self._pace.due()):
            with self._pace.save():
                self._checkpoint.rename(name, f"{name}-before")
                self._checkpoint.save(name, {**state(), "rows": self._rows}, note)

    def _load(self, name: str) -> dict[str, Any] | None:
        """Load the last state that `_save` left, or where it is damaged the one before, and its history."""
        if self._checkpoint is None:
            return None
        before = f"{name}-before"
        if not self._checkpoint.is_complete(name) and self._checkpoint.is_complete(before):
            log.warning(
                "%s/%s.pt is damaged or lost: going on from the state before", self._checkpoint.folder, name
            )
            self._checkpoint.rename(before, name)
        state = self._checkpoint.load(name)
        if state is not None:
            self._set_history(state.pop("rows"))
        return state


@torch.no_grad()
def outputs(network: Callable[[Tensor], Tensor], rows: Rows, at_once: int = CHUNK) -> np.ndarray:
    """Return what a network gives for all rows: float32 [n, ...].

    Raises
    ------
    InputError
        If there are NaN among it.
    """
    found = torch.cat([network(chunk[0]).cpu() for chunk in rows.chunks(at_once)]).numpy()
    if not np.isfinite(found).all():
        raise diverged()
    return found
