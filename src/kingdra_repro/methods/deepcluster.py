"""DeepCluster (Caron, Bojanowski, Joulin, Douze 2018), on feature vectors instead of images."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import normalized_mutual_info_score
from sklearn.preprocessing import normalize
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, relu

from kingdra_repro.checks import Check, fraction, integer
from kingdra_repro.methods.kmeans import kmeans_from_centres
from kingdra_repro.methods.network_clusterer import NetworkClusterer, outputs
from kingdra_repro.methods.network_fit import NetworkFit
from kingdra_repro.networks.autoencoder import linear
from kingdra_repro.networks.products import Linear
from kingdra_repro.training.batches import batch_slices, supervised_order
from kingdra_repro.training.rows import Rows
from kingdra_repro.training.seeds import Purpose, numpy_stream, torch_stream


class FeatureNetwork(nn.Module):
    """A network d - hidden of linear layers with batch norm, and with ReLU and dropout between layers.

    In evaluation mode, batch norm uses the mean of the moments of all batches since `begin_epoch`; before any
    training it does nothing.
    """

    def __init__(
        self, n_features: int, hidden: Sequence[int], dropout: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.dropout = dropout
        widths = [n_features, *hidden]
        self.layers = nn.ModuleList(linear(i, o, generator) for i, o in itertools.pairwise(widths))
        # momentum=None: a plain mean. The usual moving average, over ten batches or so, is too short if the
        # last batch is small, and too long if there are few batches.
        self.norms = nn.ModuleList(nn.BatchNorm1d(width, momentum=None) for width in hidden)

    def begin_epoch(self) -> None:
        for norm in self.norms:
            norm.reset_running_stats()  # type: ignore[operator]

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return features [B, hidden[-1]] of x [B, d] before the last ReLU; ``generator`` is for dropout."""
        for index, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            if index > 0:
                x = relu(x)
                if self.training:
                    keep = torch.empty_like(x).uniform_(generator=generator) >= self.dropout
                    x = x * keep / (1 - self.dropout)
            x = norm(layer(x).float())  # back from bfloat16 if products are rounded to it
        return x


@dataclass(eq=False, repr=False, kw_only=True)
class DeepCluster(NetworkClusterer):
    """K-means on the features of a network, alternating with training of the network on these clusters.

    As in the authors' code, features are taken before the last ReLU, reduced to 256 principal components,
    whitened and scaled to length 1. For training, each empty cluster gets half of the largest one, clusters
    are sampled evenly, and the classifier's last layer is initialised again in each epoch, with weights of
    standard deviation 0.01.

    Differences: the network is d - 1200 - 1200 with batch norm, not AlexNet or VGG. Inputs are not augmented.
    There are ``n_clusters`` clusters, not ten times the number of classes. K-means starts from k-means++
    centres and runs until it converges, not for 20 steps from random centres. The answer is the last
    clustering.

    Parameters
    ----------
    n_clusters : int, default=8
        k, the number of clusters, from 1 to the number of points.
    hidden : sequence of int, default=(1200, 1200)
        Widths of the network's layers; the last one is the number of features.
    n_components : int, default=256
        Number of principal components of the features; all of them if there are fewer.
    epochs : int, default=200
        Number of passes over the data, each of which trains the network on a new clustering.
    learning_rate, momentum, weight_decay : float, default=0.05, 0.9 and 0.00001
        Settings of SGD; the classifier's last layer is trained without momentum.
    dropout : float, default=0.5
        Dropout rate between layers of the network.
    n_init : int, default=1
        Restarts of K-means.
    batch_size, precision : see `DAEKMeans`
    device, random_state, checkpoint_dir, monitor, verbose : see `Kingdra`

    Attributes
    ----------
    labels_ : int64 array [n]
    history_ : DataFrame, one row per clustering
        The first row is that of the untrained network. ``loss`` is the cross entropy in the epoch before the
        clustering; ``nmi_previous`` is the normalised mutual information with the previous clustering, 1 if
        they are the same.
    n_features_in_ : int

    See Also
    --------
    DEC : Another method of deep clustering.

    References
    ----------
    Caron, Bojanowski, Joulin, Douze (2018), Deep Clustering for Unsupervised Learning of Visual
    Features, ECCV.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kingdra_repro.methods import DeepCluster
    >>> X = load_digits().data[:200] / 16
    >>> DeepCluster(n_clusters=10, epochs=2, random_state=0).fit_predict(X).shape
    (200,)
    """

    checks: ClassVar[dict[str, Check]] = {
        **NetworkClusterer.checks,
        "n_components": integer(1),
        "momentum": fraction,
        "weight_decay": fraction,
        "dropout": fraction,
        "n_init": integer(1),
    }

    n_components: int = 256
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 1e-5
    dropout: float = 0.5
    n_init: int = 1

    _network: FeatureNetwork = field(init=False)

    def _fit_rows(self, fit: NetworkFit) -> None:
        rows = fit.rows
        generator = torch_stream(fit.seed, 0, Purpose.WEIGHTS)
        self._network = self._make_network(rows.d, generator).to(rows.device).eval()
        optimizer = torch.optim.SGD(
            self._network.parameters(), self.learning_rate, self.momentum, weight_decay=self.weight_decay
        )
        state: dict[str, Any] = {"epoch": 0, "labels": None, "losses": {}}
        if (saved := fit.load("epoch")) is not None:
            self._network.load_state_dict(saved.pop("network"))
            optimizer.load_state_dict(saved.pop("optimizer"))
            state = saved
        while True:
            finished = state["epoch"] == self.epochs
            modules = {"network": self._network.state_dict(), "optimizer": optimizer.state_dict()}
            fit.save("epoch", {**state, **modules}, f"epoch {state['epoch']}", last=finished)
            labels = self._cluster(fit, state["epoch"])
            self.labels_ = self._kmeans.labels_.astype(np.int64)
            before = state["labels"]
            same = None if before is None else float(normalized_mutual_info_score(before, labels))
            fit.end_phase(self.labels_, {**state["losses"], "nmi_previous": same})
            if finished:
                return
            losses = self._train_on_clusters(fit, labels, optimizer, state["epoch"])
            state = {"epoch": state["epoch"] + 1, "labels": labels, "losses": losses}

    def _make_network(self, n_features: int, generator: torch.Generator) -> FeatureNetwork:
        return FeatureNetwork(n_features, self.hidden, self.dropout, generator)

    def state_dict(self) -> dict[str, np.ndarray]:
        whiten = {"whiten.mean": self._whiten.mean, "whiten.components": self._whiten.components.T}
        return {**super().state_dict(), **whiten, "centres": self._kmeans.cluster_centers_}

    def load_state_dict(self, state: dict[str, np.ndarray], n_features: int) -> None:
        super().load_state_dict(state, n_features)
        self._whiten = Whitening(state["whiten.mean"], state["whiten.components"].T)
        self._kmeans = kmeans_from_centres(state["centres"])

    def _cluster(self, fit: NetworkFit, epoch: int) -> Tensor:
        """Run K-means on the current features; return the clusters to train on, none of them empty."""
        features = outputs(self._network, fit.rows)
        rng = numpy_stream(fit.seed, 0, Purpose.KMEANS, epoch)
        seed = int(rng.integers(2**31))
        self._whiten = Whitening.fit(features, self.n_components, seed)
        self._kmeans = KMeans(self.n_clusters, n_init=self.n_init, random_state=seed)
        labels = self._kmeans.fit(self._whiten(features)).labels_.astype(np.int64)
        return torch.from_numpy(fill_empty_clusters(labels, self.n_clusters, rng))

    def _train_on_clusters(
        self, fit: NetworkFit, labels: Tensor, optimizer: torch.optim.Optimizer, epoch: int
    ) -> dict[str, float]:
        """Train for one pass with the clusters as labels, and a new classifier on top of the features."""
        rows = fit.rows
        stream = torch_stream(fit.seed, 0, Purpose.CLASSIFIER, epoch)
        classifier = nn.utils.skip_init(Linear, self.hidden[-1], self.n_clusters)
        nn.init.normal_(classifier.weight, std=0.01, generator=stream)
        nn.init.zeros_(classifier.bias)
        classifier.to(rows.device)
        last_layer = torch.optim.SGD(
            classifier.parameters(), self.learning_rate, weight_decay=self.weight_decay
        )
        noise = torch_stream(fit.seed, 0, Purpose.NOISE, epoch, rows.device)
        of_points, labels = labels.numpy(), labels.to(rows.device)

        def losses(batch: Tensor) -> dict[str, Tensor]:
            logits = classifier(relu(self._network(rows[batch], noise))).float()
            return {"loss": cross_entropy(logits, labels[batch])}

        def tell(part: float, terms: dict[str, Tensor]) -> None:
            fit.progress(epoch + 1, self.epochs, epoch + part, self.epochs, terms)

        self._network.begin_epoch()
        members = [np.flatnonzero(of_points == cluster) for cluster in range(self.n_clusters)]
        order = torch.from_numpy(supervised_order(members, rows.n, fit.seed, 0, epoch)).to(rows.device)
        batches = [order[part] for part in batch_slices(rows.n, self.batch_size)]
        optimizers = [optimizer, last_layer]
        return self._train_on(rows.device, optimizers, batches, losses, tell, "the classifier", epoch + 1)

    def _assign(self, rows: Rows) -> np.ndarray:
        return self._kmeans.predict(self._whiten(outputs(self._network, rows))).astype(np.int64)


@dataclass(frozen=True)
class Whitening:
    """PCA whitening: features [n, f] become components of variance 1, then rows of length 1.

    ``mean`` is [f], ``components`` [f, number of components].
    """

    mean: np.ndarray
    components: np.ndarray

    @classmethod
    def fit(cls, features: np.ndarray, n_components: int, seed: int) -> Self:
        """Fit the principal components.

        Components with less than a millionth of the largest variance are left out: they are rounding errors,
        which whitening would scale up to the variance of the others.
        """
        n_components = min(n_components, *features.shape)
        pca = PCA(n_components, random_state=seed).fit(features)
        variance = np.maximum(pca.explained_variance_, np.finfo(np.float32).tiny)
        kept = variance >= 1e-6 * variance[0]
        return cls(pca.mean_, (pca.components_[kept] / np.sqrt(variance[kept])[:, None]).T)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        return normalize((features - self.mean) @ self.components)


def fill_empty_clusters(labels: np.ndarray, n_clusters: int, rng: np.random.Generator) -> np.ndarray:
    """Return labels [n], n >= n_clusters, in which each empty cluster has got a random half of the largest.

    scikit-learn's K-means leaves a cluster empty only if there are fewer distinct points than clusters.
    """
    labels = labels.copy()
    for cluster in np.flatnonzero(np.bincount(labels, minlength=n_clusters) == 0):
        members = np.flatnonzero(labels == np.bincount(labels).argmax())
        labels[rng.permutation(members)[: len(members) // 2]] = cluster
    return labels
