"""dVAE + K-means: K-means on the code of a denoising variational autoencoder."""

from kingdra_repro.methods.dae_kmeans import DAEKMeans
from kingdra_repro.networks.autoencoder import VariationalAutoencoder


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
