"""Base class of the methods that train an autoencoder."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch

from kingdra_repro.checks import Check, fraction
from kingdra_repro.files import checksum_of_array
from kingdra_repro.methods.network_clusterer import CHUNK, NetworkClusterer
from kingdra_repro.methods.network_fit import NetworkFit
from kingdra_repro.networks.autoencoder import Autoencoder
from kingdra_repro.training.checkpoint import Checkpoint
from kingdra_repro.training.rows import Rows
from kingdra_repro.training.seeds import Purpose, torch_stream


@dataclass(eq=False, repr=False, kw_only=True)
class AutoencoderClusterer(NetworkClusterer):
    """Base class of estimators that train an autoencoder; subclasses decide how its code is used.

    The layers are fully connected and the code has size k, unless the subclass makes another network.

    Parameters
    ----------
    n_clusters : int, default=8
        k, the number of clusters, from 1 to the number of points; also the size of the code.
    hidden : sequence of int, default=(1200, 1200)
        Widths of the encoder's hidden layers; the decoder has the same in reverse order.
    masking : float, default=0.2
        Fraction of the input features that are set to 0 during training.
    epochs, batch_size, learning_rate, precision : see `NetworkClusterer`
    device, random_state, checkpoint_dir, monitor, verbose : see `TrainedClusterer`
    """

    checks: ClassVar[dict[str, Check]] = {**NetworkClusterer.checks, "masking": fraction}

    masking: float = 0.2

    network_class: ClassVar[type[Autoencoder]] = Autoencoder
    cache_key_parameters: ClassVar[tuple[str, ...]] = ()  # parameters that a cached autoencoder depends on
    _network: Any = field(init=False)

    def _train_autoencoder(self, fit: NetworkFit, epochs_total: float) -> dict[str, float]:
        """Train the network for ``epochs`` epochs with Adam, resuming from the checkpoint if there is one.

        Each epoch except the last adds a row to the history. The last epoch's mean of each loss term is
        returned instead, so that the subclass can add it with or without labels. ``epochs_total`` is the
        number of epochs of the whole fit, for progress reports.
        """
        rows = fit.rows
        self._network = self._new_network(rows, torch_stream(fit.seed, 0, Purpose.WEIGHTS)).to(rows.device)
        optimizer = torch.optim.Adam(self._network.parameters(), lr=self.learning_rate, fused=True)
        done, losses = 0, dict[str, float]()
        if (state := fit.load("autoencoder")) is not None:
            done, losses = state["epochs"], state["losses"]
            self._network.load_state_dict(state["network"])
            optimizer.load_state_dict(state["optimizer"])
        self._network.eval()
        for epoch in range(done, self.epochs):
            if epoch > 0:
                fit.end_phase(None, losses)
            noise = torch_stream(fit.seed, 0, Purpose.NOISE, epoch, rows.device)
            losses = self._train_on(
                rows.device,
                [optimizer],
                fit.shuffled(epoch, self.batch_size),
                lambda batch, noise=noise: self._network.losses(rows[batch], self.masking, noise),  # type: ignore[misc]
                lambda part, terms, epoch=epoch: fit.progress(  # type: ignore[misc]
                    epoch + 1, self.epochs, epoch + part, epochs_total, terms
                ),
                "the autoencoder",
                epoch + 1,
            )
            fit.save(
                "autoencoder",
                {
                    "network": self._network.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "epochs": epoch + 1,
                    "losses": losses,
                },
                f"epoch {epoch + 1} of the autoencoder",
                last=epoch + 1 == self.epochs,
            )
        return losses

    def _load_or_train_autoencoder(
        self, folder: str | Path | None, fit: NetworkFit, epochs_total: float
    ) -> dict[str, float]:
        """Load the autoencoder from a cache folder, or train it and save it there.

        Returns what `_train_autoencoder` returns. The folder may hold autoencoders of any data and settings.
        If it is None, nothing is cached.
        """
        if folder is None:
            return self._train_autoencoder(fit, epochs_total)
        rows, names = fit.rows, self.cache_key_parameters
        values = [getattr(self, name) for name in names]
        settings = [tuple(value) if isinstance(value, list) else value for value in values]
        run = f"{names} {settings} seed {fit.seed} X({rows.n}, {rows.d}) {checksum_of_array(fit.X)}"
        place = Path(folder).expanduser() / hashlib.sha256(run.encode()).hexdigest()[:16]
        kept = Checkpoint(place, run)
        if (state := kept.load("autoencoder")) is None:
            last = self._train_autoencoder(fit, epochs_total)
            losses = [*({name: row[name] for name in last} for row in fit.phases), last]
            kept.save("autoencoder", {"network": self._network.state_dict(), "losses": losses})
            return last
        self._network = self._new_network(rows, torch.Generator()).to(rows.device)
        self._network.load_state_dict(state["network"])
        self._network.eval()
        for one in state["losses"][:-1]:
            fit.end_phase(None, one)
        return state["losses"][-1]

    def _new_network(self, rows: Rows, generator: torch.Generator) -> Any:
        """Create the network with initial weights from the generator, and set its input scale."""
        network = self._make_network(rows.d, generator)
        network.scale.fill_(self._input_scale(network, rows))
        return network

    def _make_network(self, n_features: int, generator: torch.Generator) -> Any:
        return self.network_class(n_features, self.n_clusters, self.hidden, 1.0, generator)

    def _input_scale(self, network: Any, rows: Rows) -> float:
        """Compute the factor that the network multiplies its inputs by."""
        return unit_scale(rows)


def unit_scale(rows: Rows) -> float:
    """Return the factor that makes the mean square of all features 1; return 1 if all features are 0."""
    squares = sum(float(chunk.square().sum(dtype=torch.float64)) for chunk in rows.chunks(CHUNK))
    return (rows.n * rows.d / squares) ** 0.5 if squares > 0 else 1.0
