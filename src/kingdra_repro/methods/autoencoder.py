"""Training an autoencoder."""

from dataclasses import dataclass, field
from typing import ClassVar

import torch

from kingdra_repro.checks import Check, fraction
from kingdra_repro.methods.network_clusterer import CHUNK, NetworkClusterer
from kingdra_repro.networks.autoencoder import Autoencoder
from kingdra_repro.training.rows import Rows
from kingdra_repro.training.seeds import Purpose, torch_stream


@dataclass(eq=False, repr=False, kw_only=True)
class AutoencoderClusterer(NetworkClusterer):
    """Trains an autoencoder with a code of size k; what is done with it is the subclass's.

    Parameters
    ----------
    n_clusters : int, default=8
        k, from 1 to the number of points; also the size of the code.
    hidden : sequence of int, default=(1200, 1200)
        Widths of the encoder's hidden layers; the decoder's are the same, backwards.
    masking : float, default=0.2
        The fraction of the features that is set to 0 in the network's input while it is trained.
    epochs, batch_size, learning_rate, precision : see `NetworkClusterer`
    device, random_state, checkpoint_dir, monitor : see `TrainedClusterer`
    """

    checks: ClassVar[dict[str, Check]] = {**NetworkClusterer.checks, "masking": fraction}

    masking: float = 0.2

    network_class: ClassVar[type[Autoencoder]] = Autoencoder
    _network: Autoencoder = field(init=False)

    def _train_autoencoder(self, rows: Rows, epochs_total: float) -> dict[str, float]:
        """Train the network for ``epochs`` epochs with Adam, from where a killed fit left it.

        The history gets a row an epoch, but for the last: the subclass adds it, with the answer or without.

        Parameters
        ----------
        epochs_total : of the whole fit, for who watches

        Returns
        -------
        The mean of each term of the loss in the last epoch.
        """
        self._network = self.network_class(
            rows.d, self.n_clusters, self.hidden, _scale(rows), torch_stream(self._seed, 0, Purpose.WEIGHTS)
        ).to(rows.device)
        optimizer = torch.optim.Adam(self._network.parameters(), lr=self.learning_rate, fused=True)
        done, losses = 0, dict[str, float]()
        if (state := self._load("autoencoder")) is not None:
            done, losses = state["epochs"], state["losses"]
            self._network.load_state_dict(state["network"])
            optimizer.load_state_dict(state["optimizer"])
        self._network.eval()
        for epoch in range(done, self.epochs):
            if epoch > 0:
                self._end_phase(None, losses)
            noise = torch_stream(self._seed, 0, Purpose.NOISE, epoch, rows.device)
            losses = self._train_on(
                [optimizer],
                self._shuffled(rows.n, epoch),
                lambda batch, noise=noise: self._network.losses(rows[batch], self.masking, noise),  # type: ignore[misc]
                lambda part, terms, epoch=epoch: self._progress(  # type: ignore[misc]
                    epoch + 1, self.epochs, epoch + part, epochs_total, terms
                ),
            )
            self._save(
                "autoencoder",
                lambda epochs=epoch + 1, losses=losses: {  # type: ignore[misc]
                    "network": self._network.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "epochs": epochs,
                    "losses": losses,
                },
                last=epoch + 1 == self.epochs,
            )
        return losses


def _scale(rows: Rows) -> float:
    """What makes the mean square of a feature 1; 1 where all are 0."""
    squares = sum(float(chunk.square().sum(dtype=torch.float64)) for chunk in rows.chunks(CHUNK))
    return (rows.n * rows.d / squares) ** 0.5 if squares > 0 else 1.0
