"""K-means on the code of an auto-encoder: denoising (dAE) or variational (dVAE)."""

from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans

from kingdra_repro.methods.autoencoder import AutoencoderClusterer
from kingdra_repro.methods.network_clusterer import outputs
from kingdra_repro.networks.autoencoder import VariationalAutoencoder
from kingdra_repro.training.events import Monitor
from kingdra_repro.training.rows import Rows


class DAEKMeans(AutoencoderClusterer):
    """Train a denoising autoencoder d - hidden - k - hidden - d, then run K-means on its code.

    The paper's row "dAE + K-means", with the network of its own method. The paper does not say how it was
    trained; the noise is Vincent et al.'s, the rest is common practice.

    Parameters
    ----------
    n_clusters : int, default=8
        k, from 1 to the number of points; also the size of the code.
    hidden : sequence of int, default=(1200, 1200)
        Widths of the encoder's hidden layers; the decoder's are the same, backwards.
    masking : float, default=0.2
        The part of the features that is set to 0 in the network's input.
    epochs : int, default=50
        Passes over the data.
    batch_size : int, default=256
    learning_rate : float, default=0.001
        Of Adam.
    n_init : int, default=10
        Restarts of K-means.
    precision : {"float32", "tf32", "bfloat16"}, default="float32"
        Of the matrix products in training; everything else is float32. "tf32" is "float32" on a CPU.
    device : str, default="auto"
        A torch device; "auto" is a GPU where there is one.
    random_state : int, RandomState or None, default=None
    checkpoint_dir : path or None
        Where the state is kept, so that a fit that was killed goes on when it is called again with the same
        settings and data.
    monitor : object with methods ``progress`` and ``iteration``, or None
        See `kingdra_repro.methods.Monitor`.

    Attributes
    ----------
    labels_ : int64 array [n]
    history_ : DataFrame, a row an epoch
        ``loss``: the mean squared error of the reconstruction, of features scaled to mean square 1.
    n_features_in_ : int

    References
    ----------
    Vincent, Larochelle, Lajoie, Bengio, Manzagol (2010), Stacked Denoising Autoencoders, JMLR 11.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        hidden: tuple[int, ...] = (1200, 1200),
        masking: float = 0.2,
        epochs: int = 50,
        batch_size: int = 256,
        learning_rate: float = 0.001,
        n_init: int = 10,
        precision: str = "float32",
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        checkpoint_dir: str | Path | None = None,
        monitor: Monitor | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.hidden = hidden
        self.masking = masking
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.n_init = n_init
        self.precision = precision
        self.device = device
        self.random_state = random_state
        self.checkpoint_dir = checkpoint_dir
        self.monitor = monitor

    def _fit(self, rows: Rows) -> None:
        losses = self._train_autoencoder(rows, self.epochs)
        kmeans = KMeans(self.n_clusters, n_init=self.n_init, random_state=self._kmeans_seed())
        self._kmeans = kmeans.fit(outputs(self._network, rows))
        self.labels_ = kmeans.labels_.astype(np.int64)
        self._end_phase(self.labels_, losses)

    def _assign(self, rows: Rows) -> np.ndarray:
        return self._kmeans.predict(outputs(self._network, rows)).astype(np.int64)

    def _least(self) -> dict[str, int]:
        return {**super()._least(), "n_init": 1}


class DVAEKMeans(DAEKMeans):
    """Train a denoising variational autoencoder, then run K-means on the means of its posteriors.

    The paper's row "dVAE + K-means". Inputs are corrupted by masking noise in training, and clean when codes
    are made. The likelihood is Gaussian: see `kingdra_repro.networks.autoencoder.VariationalAutoencoder`.

    Parameters and attributes are those of `DAEKMeans`. In ``history_`` the loss is the negative evidence
    lower bound a feature, but for a constant; ``mse`` is the reconstruction's error, ``kl`` the distance of
    posterior and prior in nats a point: near 0 the code has collapsed and says nothing.

    References
    ----------
    Kingma, Welling (2014), Auto-Encoding Variational Bayes, ICLR.
    Im, Ahn, Memisevic, Bengio (2017), Denoising Criterion for Variational Auto-Encoding Framework, AAAI.
    """

    network_class = VariationalAutoencoder
