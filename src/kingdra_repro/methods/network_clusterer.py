"""Base class of the comparison methods that train one network: fit, training loop and prediction."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from kingdra_repro.checks import Check, choice, integer, positive, widths
from kingdra_repro.devices import choose_device
from kingdra_repro.errors import diverged
from kingdra_repro.library_state import default_library_state
from kingdra_repro.methods.clusterer import TrainedClusterer
from kingdra_repro.methods.features import checked_data
from kingdra_repro.methods.fit_setup import seed_and_checkpoint
from kingdra_repro.methods.given_labels import Supervision
from kingdra_repro.methods.network_fit import NetworkFit
from kingdra_repro.networks.products import tf32_products
from kingdra_repro.training.checkpoint import Checkpoint
from kingdra_repro.training.divergence import Diverged, check_divergence
from kingdra_repro.training.options import PRECISIONS
from kingdra_repro.training.progress import shown_progress
from kingdra_repro.training.rows import Rows

CHUNK = 4096  # rows in a forward pass without training


@dataclass(eq=False, repr=False, kw_only=True)
class NetworkClusterer(TrainedClusterer):
    """Base class of estimators that train one network; subclasses implement ``_fit_rows`` and ``_assign``.

    Parameters
    ----------
    hidden : sequence of int, default=(1200, 1200)
        Widths of the network's hidden layers.
    epochs : int, default=200
        Passes over the data.
    batch_size : int, default=256
    learning_rate : float, default=0.001
        Learning rate of Adam.
    precision : {"float32", "tf32", "bfloat16"}, default="float32"
        Precision of the matrix products in training; everything else is float32. "tf32" applies only to a
        GPU.
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

    def _fit(self, X: np.ndarray | sp.csr_matrix) -> None:
        with self._network_fit(X, *seed_and_checkpoint(self, X)) as fit:
            self._fit_rows(fit)

    @contextmanager
    def _network_fit(
        self,
        X: np.ndarray | sp.csr_matrix,
        seed: int,
        checkpoint: Checkpoint | None,
        supervision: Supervision | None = None,
    ) -> Iterator[NetworkFit]:
        """Yield the `NetworkFit` to train in; then store its history and move the network to the CPU."""
        rows = Rows(X, choose_device(self.device))
        with shown_progress(self.verbose, self.monitor) as monitor:
            fit = NetworkFit(
                X=X, rows=rows, seed=seed, checkpoint=checkpoint, monitor=monitor, supervision=supervision
            )
            yield fit
        self.history_ = fit.history
        self._network.cpu()  # a fitted estimator may be loaded on a machine without this device

    @default_library_state()
    def predict(self, X: Any) -> np.ndarray:
        """Predict the cluster of each row of X, on the CPU whatever ``device`` is: int64 array [n]."""
        check_is_fitted(self)
        return self._assign(Rows(checked_data(self, X, reset=False), torch.device("cpu")))

    @default_library_state()
    def last_hidden_layer(self, X: Any) -> np.ndarray:
        """Compute the code or features of the rows of X, which are what is clustered: float32 [n, width]."""
        check_is_fitted(self)
        return outputs(self._network, Rows(checked_data(self, X, reset=False), torch.device("cpu")))

    def state_dict(self) -> dict[str, np.ndarray]:
        network = {f"network.{name}": value.numpy() for name, value in self._network.state_dict().items()}
        return {**super().state_dict(), **network}

    def load_state_dict(self, state: dict[str, np.ndarray], n_features: int) -> None:
        super().load_state_dict(state, n_features)
        with torch.device("meta"):  # no weights are drawn: those of the state are assigned
            self._network = self._make_network(n_features, torch.Generator("cpu")).eval()
        network = {
            name.removeprefix("network."): torch.from_numpy(value)
            for name, value in state.items()
            if name.startswith("network.")
        }
        self._network.load_state_dict(network, assign=True)

    @abstractmethod
    def _make_network(self, n_features: int, generator: torch.Generator) -> nn.Module:
        """Create the network for d features, with initial weights from the generator."""

    @abstractmethod
    def _fit_rows(self, fit: NetworkFit) -> None:
        """Train, and set ``labels_``."""

    @abstractmethod
    def _assign(self, rows: Rows) -> np.ndarray:
        """Predict the cluster of each row with the fitted network: int64 [n]."""

    def _train_on(
        self,
        device: torch.device,
        optimizers: Sequence[torch.optim.Optimizer],
        batches: list[Tensor],
        losses: Callable[[Tensor], dict[str, Tensor]],
        on_step: Callable[[float, dict[str, Tensor]], None],
        phase: str,
        epoch: int,
        rate: str = "learning_rate",
    ) -> dict[str, float]:
        """Take a step of the optimizers on each batch of row indices, with products in ``precision``.

        Returns the mean of each loss term over the rows.

        Parameters
        ----------
        losses : returns the loss terms of a batch; ``loss`` is minimised
        on_step : called after each step with the fraction of the rows done, and the terms
        phase, epoch, rate : named in the error message if training diverges; ``rate`` is the parameter with
            the optimizers' learning rate
        """
        rounded = self.precision == "bfloat16"
        self._network.train()
        n = sum(len(batch) for batch in batches)
        done, sums = 0, dict[str, Tensor]()
        for batch in batches:
            with tf32_products(self.precision, device):
                # Entered once per step, since autocast caches the rounded weights until it exits.
                with torch.autocast(device.type, torch.bfloat16, enabled=rounded):
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
            raise diverged(f"{phase}, {error}", rate) from error
        return {name: float(value) for name, value in sums.items()}


@torch.no_grad()
def outputs(network: Callable[[Tensor], Tensor], rows: Rows, at_once: int = CHUNK) -> np.ndarray:
    """Return the outputs of a network for all rows: float32 [n, ...].

    Raises
    ------
    InputError
        If an output is NaN or infinite.
    """
    found = torch.cat([network(chunk[0]).cpu() for chunk in rows.chunks(at_once)]).numpy()
    if not np.isfinite(found).all():
        raise diverged()
    return found
