"""DeepCluster (Caron, Bojanowski, Joulin, Douze 2018), on vectors of features instead of pictures."""

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
from kingdra_repro.methods.kmeans import kmeans_of
from kingdra_repro.methods.network_clusterer import NetworkClusterer, outputs
from kingdra_repro.methods.network_fit import NetworkFit
from kingdra_repro.networks.autoencoder import linear
from kingdra_repro.networks.products import Linear
from kingdra_repro.training.batches import batch_slices, supervised_order
from kingdra_repro.training.rows import Rows
from kingdra_repro.training.seeds import Purpose, numpy_stream, torch_stream


class FeatureNetwork(nn.Module):
    """d - hidden: each layer a product, batch norm, and ReLU but for the last, with dropout between layers.

    In evaluation batch norm uses the mean of the moments of all batches since `begin_epoch`; before any
    training it does nothing.
    """

    def __init__(
        self, n_features: int, hidden: Sequence[int], dropout: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.dropout = dropout
        widths = [n_features, *hidden]
        self.layers = nn.ModuleList(linear(i, o, generator) for i, o in itertools.pairwise(widths))
        # momentum=None: a plain mean. The usual one, of ten batches or so, is too short for a small last
        # batch and too long for a set of few batches.
        self.norms = nn.ModuleList(nn.BatchNorm1d(width, momentum=None) for width in hidden)

    def begin_epoch(self) -> None:
        for norm in self.norms:
            norm.reset_running_stats()  # type: ignore[operator]

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Features [B, hidden[-1]] of inputs [B, d], before the last ReLU; ``generator`` is of dropout."""
        for index, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            if index > 0:
                x = relu(x)
                if self.training:
                    keep = torch.empty_like(x).uniform_(generator=generator) >= self.dropout
                    x = x * keep / (1 - self.dropout)
            x = norm(layer(x).float())  # from bfloat16, where products are rounded to it
        return x


@dataclass(eq=False, repr=False, kw_only=True)
class DeepCluster(NetworkClusterer):
    """Cluster the features of a network by K-means, train the network on these clusters, and again.

    As in the authors' code: features are taken before the last ReLU, reduced to 256 principal components,
    whitened and scaled to length 1; to train on, an empty cluster gets half of the largest one; classes are
    sampled evenly; the classifier's last layer starts again in each epoch, from weights of standard deviation
    0.01.

    Differences: the network is d - 1200 - 1200 with batch norm, not AlexNet or VGG; inputs are not augmented;
    as many clusters as are looked for, not ten times the classes; K-means runs until it has converged, from
    k-means++ centres, not for 20 steps from random ones. The answer is the last clustering.

    Parameters
    ----------
    hidden : sequence of int, default=(1200, 1200)
        Widths of the network's layers; the last one is the number of features.
    n_components : int, default=256
        Principal components of the features; as many as there are, where there are fewer.
    epochs : int, default=200
        Times the network is trained on a clustering, for one pass.
    learning_rate, momentum, weight_decay : float, default=0.05, 0.9 and 0.00001
        Of SGD; the classifier's last layer is trained without momentum.
    dropout : float, default=0.5
        Between layers of the network.
    n_init : int, default=1
        Restarts of K-means.
    n_clusters, batch_size, precision : see `NetworkClusterer`
    device, random_state, checkpoint_dir, monitor, verbose : see `TrainedClusterer`

    Attributes
    ----------
    labels_ : int64 array [n]
    history_ : DataFrame, a row a clustering
        The first is of the untrained network. ``loss``: the cross entropy in the epoch before;
        ``nmi_previous``: mutual information with the clustering before, normalised, 1 where it is the same.
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
        self._kmeans = kmeans_of(state["centres"])

    def _cluster(self, fit: NetworkFit, epoch: int) -> Tensor:
        """K-means on the features as they are now: clusters to train on, of which none is empty."""
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
        """One pass on clusters as labels, with a new classifier on top of the features."""
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
    """Principal components of features [n, f], each with variance 1; then each row scaled to length 1.

    ``mean`` is [f], ``components`` [f, number of components].
    """

    mean: np.ndarray
    components: np.ndarray

    @classmethod
    def fit(cls, features: np.ndarray, n_components: int, seed: int) -> Self:
        """Find the components.

        Those of less than a millionth of the largest one's variance are left out: they are rounding, and
        whitening would make as much of them as of the others.
        """
        n_components = min(n_components, *features.shape)
        pca = PCA(n_components, random_state=seed).fit(features)
        variance = np.maximum(pca.explained_variance_, np.finfo(np.float32).tiny)
        kept = variance >= 1e-6 * variance[0]
        return cls(pca.mean_, (pca.components_[kept] / np.sqrt(variance[kept])[:, None]).T)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        return normalize((features - self.mean) @ self.components)


def fill_empty_clusters(labels: np.ndarray, n_clusters: int, rng: np.random.Generator) -> np.ndarray:
    """Labels [n], n >= n_clusters, in which each empty cluster has got a random half of the largest one.

    scikit-learn's K-means leaves a cluster empty only where there are fewer different points than clusters.
    """
    labels = labels.copy()
    for cluster in np.flatnonzero(np.bincount(labels, minlength=n_clusters) == 0):
        members = np.flatnonzero(labels == np.bincount(labels).argmax())
        labels[rng.permutation(members)[: len(members) // 2]] = cluster
    return labels
