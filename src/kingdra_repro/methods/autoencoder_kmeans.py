"""K-means on the code of a deep autoencoder (dAE) or a deep variational autoencoder (dVAE)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from sklearn.cluster import KMeans

from kingdra_repro.checks import Check, integer
from kingdra_repro.methods.autoencoder import AutoencoderClusterer
from kingdra_repro.methods.kmeans import kmeans_from_centres
from kingdra_repro.methods.network_clusterer import outputs
from kingdra_repro.methods.network_fit import NetworkFit
from kingdra_repro.networks.autoencoder import Autoencoder, VariationalAutoencoder
from kingdra_repro.training.rows import Rows


@dataclass(eq=False, repr=False, kw_only=True)
class DAEKMeans(AutoencoderClusterer):
    """K-means on the code of a deep autoencoder d - hidden - k - hidden - d.

    The paper's row "dAE + K-means", with the hidden layers of the paper's own method. The paper says "Deep
    Autoencoders" (section 5.3) but not how they were trained; the training here follows common practice.

    Parameters
    ----------
    n_clusters : int, default=8
        k, the number of clusters, from 1 to the number of points; also the size of the code.
    hidden : sequence of int, default=(1200, 1200)
        Widths of the encoder's hidden layers; the decoder has the same in reverse order.
    masking : float, default=0
        Fraction of the input features that are set to 0 during training. Values from 0.1 to 0.5 make it a
        denoising autoencoder.
    epochs : int, default=50
        Passes over the data.
    batch_size : int, default=256
    learning_rate : float, default=0.001
        Learning rate of Adam.
    precision : {"float32", "tf32", "bfloat16"}, default="float32"
        Precision of the matrix products in training; everything else is float32. "tf32" applies only to a
        GPU.
    n_init : int, default=10
        Restarts of K-means.
    device, random_state, checkpoint_dir, monitor, verbose : see `Kingdra`

    Attributes
    ----------
    labels_ : int64 array [n]
    history_ : DataFrame, one row per epoch
        ``loss`` is the mean squared error of the reconstruction of features scaled to mean square 1.
    n_features_in_ : int

    See Also
    --------
    DVAEKMeans : The same with a variational autoencoder.
    DEC : Also trains the code for the clusters.

    References
    ----------
    Vincent, Larochelle, Lajoie, Bengio, Manzagol (2010), Stacked Denoising Autoencoders, JMLR 11.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kingdra_repro.methods import DAEKMeans
    >>> X = load_digits().data[:200] / 16
    >>> DAEKMeans(n_clusters=10, epochs=2, random_state=0).fit_predict(X).shape
    (200,)
    """

    checks: ClassVar[dict[str, Check]] = {**AutoencoderClusterer.checks, "n_init": integer(1)}

    masking: float = 0.0
    epochs: int = 50
    n_init: int = 10

    def _fit_rows(self, fit: NetworkFit) -> None:
        losses = self._train_autoencoder(fit, self.epochs)
        kmeans = KMeans(self.n_clusters, n_init=self.n_init, random_state=fit.kmeans_seed())
        self._kmeans = kmeans.fit(outputs(self._network, fit.rows))
        self.labels_ = kmeans.labels_.astype(np.int64)
        fit.end_phase(self.labels_, losses)

    def state_dict(self) -> dict[str, np.ndarray]:
        return {**super().state_dict(), "centres": self._kmeans.cluster_centers_}

    def load_state_dict(self, state: dict[str, np.ndarray], n_features: int) -> None:
        super().load_state_dict(state, n_features)
        self._kmeans = kmeans_from_centres(state["centres"])

    def _assign(self, rows: Rows) -> np.ndarray:
        return self._kmeans.predict(outputs(self._network, rows)).astype(np.int64)


@dataclass(eq=False, repr=False, kw_only=True)
class DVAEKMeans(DAEKMeans):
    """K-means on the posterior means of a deep variational autoencoder.

    The paper's row "dVAE + K-means". With ``masking``, inputs are corrupted during training (Im et al.), but
    not when codes are computed. The likelihood is Gaussian; see
    `kingdra_repro.networks.autoencoder.VariationalAutoencoder`.

    Parameters and attributes are those of `DAEKMeans`. In ``history_``, ``loss`` is the negative evidence
    lower bound per feature, up to a constant; ``mse`` is the mean squared error of the reconstruction; ``kl``
    is the KL divergence of posterior and prior in nats per point. If it is near 0, the code has collapsed and
    carries no information.

    See Also
    --------
    DAEKMeans : The same with an autoencoder that is not variational.

    References
    ----------
    Kingma, Welling (2014), Auto-Encoding Variational Bayes, ICLR.
    Im, Ahn, Memisevic, Bengio (2017), Denoising Criterion for Variational Auto-Encoding Framework, AAAI.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kingdra_repro.methods import DVAEKMeans
    >>> X = load_digits().data[:200] / 16
    >>> DVAEKMeans(n_clusters=10, epochs=2, random_state=0).fit_predict(X).shape
    (200,)
    """

    network_class: ClassVar[type[Autoencoder]] = VariationalAutoencoder
