"""Clustering with a few labels or linked pairs, after Baboota, "Semi Supervised Clustering"."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from torch import Tensor

from kingdra_repro.checks import (
    Check,
    check_image_shape,
    choice,
    fraction,
    integer,
    non_negative,
    optional,
    path,
    positive,
)
from kingdra_repro.data.links import Links
from kingdra_repro.errors import InputError
from kingdra_repro.library_state import default_library_state
from kingdra_repro.methods.autoencoder import AutoencoderClusterer, unit_scale
from kingdra_repro.methods.clusterer import fit_context
from kingdra_repro.methods.constrained_batches import ConstrainedBatches
from kingdra_repro.methods.constrained_loss import ROWS_AT_ONCE, ConstrainedLoss, balancing, check_annealing
from kingdra_repro.methods.fit_setup import seed_and_checkpoint
from kingdra_repro.methods.given_labels import Supervision, validate_labels
from kingdra_repro.methods.network_clusterer import CHUNK, outputs
from kingdra_repro.methods.network_fit import NetworkFit
from kingdra_repro.networks.autoencoder import BoundedAutoencoder
from kingdra_repro.networks.convolutional_autoencoder import SMALLEST_SIDE, ConvolutionalAutoencoder
from kingdra_repro.networks.pair_loss import MARGIN, squared_distances
from kingdra_repro.training.linked_pairs import LinkedPairs
from kingdra_repro.training.rows import Rows


@dataclass(eq=False, repr=False, kw_only=True)
class ConstrainedAutoencoder(ClassifierMixin, AutoencoderClusterer):
    """An autoencoder whose codes are drawn towards class centres, which come from a few labelled points.

    In the first phase the autoencoder is trained alone. In the second phase it is trained further, on
    mini-batches of points with and without labels, with Eq. 3 of the document by Baboota as the loss:

        L = L_pairwise^L + L_cluster^L + lambda (L_pairwise^U + L_cluster^U) + L_reconstruction

    L_cluster is the squared distance of a code to its centre. L_pairwise is the contrastive KL loss of all
    pairs in a mini-batch (`kingdra_repro.networks.pair_loss`); for points without a label, the clusters they
    are assigned to decide which pairs are alike. lambda rises from 0. Linked pairs add a further L_pairwise.

    Where the document is silent (batches, margin, kernels), this follows its public code, but without that
    code's dropout and weight decay. Where the code contradicts the text, this follows the text: the code
    makes the pairs of "unlabelled" points from their true classes. As in the code, distances are squared and
    the parts of the reconstruction loss are averaged.

    Parameters
    ----------
    n_clusters : int, default=8
        k, the number of classes.
    image_shape : (height, width), (height, width, channels) or None, default=None
        Shape of the images in the rows of X, for a convolutional network. If it is None or a side is below 6,
        the network is fully connected.
    code_size : int, default=32
        Size of the code.
    masking : float, default=0
        Fraction of the input features that are set to 0 during the first phase.
    hidden : sequence of int, default=(500, 500)
        Widths of the fully connected encoder's hidden layers; the decoder has the same in reverse order.
    epochs, batch_size : int, default=100 and 128
        Epochs and batch size of the first phase.
    clustering_epochs : int, default=60
        Epochs of the second phase. Each is a pass over the points without a label, or over the labelled
        points if these fill more batches.
    unlabelled_batch, labelled_batch : int, default=64 and 32
        Points without and with a label in each batch of the second phase. For each labelled point, the batch
        contains another point of its class as well.
    learning_rate : float, default=0.0001
        Learning rate of Adam, in both phases.
    unlabelled_pairs : {"predicted", "confident", "none"}, default="predicted"
        Which points without a label form pairs. "predicted": all of them, by the clusters they are assigned
        to (the document); "confident": those assigned with a probability of at least ``confidence``; "none":
        no points. The default was chosen on digits and COIL-20 (scripts/unlabelled_pairs.py).
    confidence : float, default=0.95
        Smallest probability of an assignment for ``unlabelled_pairs="confident"``.
    margin : float, default=2.0
        KL divergence, in nats, up to which unlike pairs are pushed apart.
    balance : {"pairs", "kinds"}, default="pairs"
        How alike and unlike pairs are weighted; see `kingdra_repro.networks.pair_loss.pair_loss`.
    centres : {"running", "epoch"}, default="running"
        "running": means of all codes seen so far (the document); "epoch": the same, but reset to the means of
        the labelled points before each epoch.
    annealing : (T1, T2), default=(4, 40)
        lambda is 0 before epoch T1, rises linearly, and has its final value after T2; epochs count from 1.
    unlabelled_weight : float, default=1.0
        The final value of lambda.
    precision : see `DAEKMeans`
    device, random_state, checkpoint_dir, monitor, verbose : see `Kingdra`
    autoencoder_dir : path or None, default=None
        Folder where autoencoders are cached after the first phase. Fits of the same data with the same seed,
        network and settings of the first phase reuse them, whatever their labels.

    Attributes
    ----------
    labels_ : int64 array [n]
        The cluster of each point; labelled points have their class.
    cluster_centers_ : float32 array [k, code_size]
    classes_ : int64 array [k], 0..k-1
    history_ : DataFrame, one row per epoch
        The first phase has its ``loss``, the second all terms of Eq. 3 and ``lambda``.
    n_features_in_ : int

    See Also
    --------
    ConstrainedKMeans : K-means with the same labels.
    SemiSupervised : A classifier with the same labels.

    References
    ----------
    Baboota, Semi Supervised Clustering (Indraprastha University), after Shukla, Cheema, Anand (2018),
    Semi-Supervised Clustering with Neural Networks, arXiv 1806.01547.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kingdra_repro.methods import ConstrainedAutoencoder
    >>> X, y = load_digits(return_X_y=True)
    >>> y[100:] = -1  # the others are given no label
    >>> labels = ConstrainedAutoencoder(n_clusters=10).fit_predict(X / 16, y)  # doctest: +SKIP
    """

    checks: ClassVar[dict[str, Check]] = {
        **AutoencoderClusterer.checks,
        "code_size": integer(1),
        "epochs": integer(0),
        "clustering_epochs": integer(0),
        "unlabelled_batch": integer(2),
        "labelled_batch": integer(1),
        "unlabelled_pairs": choice("predicted", "confident", "none"),
        "confidence": fraction,
        "margin": positive,
        "balance": choice("pairs", "kinds"),
        "centres": choice("running", "epoch"),
        "annealing": check_annealing,
        "unlabelled_weight": non_negative,
        "autoencoder_dir": optional(path),
    }
    takes_labels: ClassVar[bool] = True
    cache_key_parameters: ClassVar = (
        *("image_shape", "code_size", "hidden", "masking", "epochs", "batch_size", "learning_rate"),
        "precision",
    )

    image_shape: tuple[int, ...] | None = None
    code_size: int = 32
    hidden: tuple[int, ...] = (500, 500)
    masking: float = 0.0
    epochs: int = 100
    batch_size: int = 128
    clustering_epochs: int = 60
    unlabelled_batch: int = 64
    labelled_batch: int = 32
    learning_rate: float = 0.0001
    unlabelled_pairs: str = "predicted"
    confidence: float = 0.95
    margin: float = MARGIN
    balance: str = "pairs"
    centres: str = "running"
    annealing: tuple[float, float] = (4, 40)
    unlabelled_weight: float = 1.0
    autoencoder_dir: str | Path | None = None

    @default_library_state()
    def fit(  # type: ignore[override]
        self,
        X: Any,
        y: Any,
        *,
        must_link: Any = None,
        cannot_link: Any = None,
        must_weight: Any = None,
        cannot_weight: Any = None,
    ) -> Self:
        """Cluster X with a few labels and, optionally, linked pairs.

        Parameters
        ----------
        X : array or sparse matrix [n, d] of finite numbers
        y : int array [n], classes 0..k-1, -1 if unknown
        must_link, cannot_link : int arrays [m, 2] or None
            Row indices of pairs of points that belong to the same cluster, or to different ones. Pairs that
            follow from these are used as well.
        must_weight, cannot_weight : float arrays [m] or None
            Certainty of each pair, above 0 and at most 1. None means 1.

        Raises
        ------
        InputError
            (a ValueError) If a parameter is invalid, y does not fit X, a class has no label or all points
            have one, or labels and pairs contradict each other.
        """
        with fit_context(self, X) as X:
            n, d = X.shape
            check_image_shape(self.image_shape, d)
            links = Links.of(n, must_link, cannot_link, must_weight, cannot_weight)
            labels = validate_labels(y, n, self.n_clusters)
            supervision = Supervision.of(labels, links)
            if (supervision.labels >= 0).all():
                raise InputError("y labels every point: there is none left to cluster")
            self.classes_ = np.arange(self.n_clusters)
            with self._network_fit(X, *seed_and_checkpoint(self, X, labels, links), supervision) as fit:
                self._fit_rows(fit)
        return self

    def _fit_rows(self, fit: NetworkFit) -> None:
        assert fit.supervision is not None, "fit() has checked that some points are labelled"
        rows, labels = fit.rows, fit.supervision.labels
        total = self.epochs + 2 * self.clustering_epochs  # the latter see twice as many points
        state = fit.load("clustering")
        if state is not None:  # the first phase is done, and in the history
            self._network = self._new_network(rows, torch.Generator()).to(rows.device).eval()
        else:
            last = self._load_or_train_autoencoder(self.autoencoder_dir, fit, total)
            fit.end_phase(None, last)
        linked = None if fit.supervision.links is None else LinkedPairs(fit.supervision.links, rows.device)
        batches = ConstrainedBatches(labels, linked, self.unlabelled_batch, self.labelled_batch, fit.seed)
        loss = ConstrainedLoss(
            self._network, rows, labels, batches, self.margin, self.balance, self._pair_classes
        )
        optimizer = torch.optim.Adam(self._network.parameters(), lr=self.learning_rate, fused=True)
        done, terms = 0, dict[str, float]()
        if state is not None:
            loss.load(state)
            optimizer.load_state_dict(state["optimizer"])
            done, terms = state["epochs"], state["losses"]
        for epoch in range(done, self.clustering_epochs):
            if epoch > 0:
                # A monitor that knows the classes can score these clusters.
                found = None if fit.monitor is None else self._nearest(rows, loss.centres)
                fit.end_phase(found, terms)
            weight = balancing(epoch + 1, self.annealing, self.unlabelled_weight)
            if self.centres == "epoch":
                loss.reset_centres()
            terms = self._train_on(
                rows.device,
                [optimizer],
                batches.epoch(epoch, self.epochs, rows.device),
                partial(loss, weight=weight),
                lambda part, terms, epoch=epoch: fit.progress(  # type: ignore[misc]
                    epoch + 1, self.clustering_epochs, self.epochs + 2 * (epoch + part), total, terms
                ),
                "the clustering",
                epoch + 1,
            )
            terms["lambda"] = weight
            fit.save(
                "clustering",
                {
                    "optimizer": optimizer.state_dict(),
                    "epochs": epoch + 1,
                    "losses": terms,
                    **loss.state(),
                },
                f"epoch {epoch + 1} of {self.clustering_epochs} of the clustering",
                last=epoch + 1 == self.clustering_epochs,
            )
        self.cluster_centers_ = loss.centres.cpu().numpy()
        found = self._assign(rows)
        self.labels_ = np.where(labels >= 0, labels, found)
        fit.end_phase(found, terms)

    def _pair_classes(self, rows: Tensor, log_p: Tensor) -> Tensor:
        """Return the classes that the pairs of points without a label are made of: int64 [B], -1 for none.

        ``rows``, int64 [B], are these points, and ``log_p`` [B, k] the log-probabilities of their clusters.
        """
        least = {"predicted": 0.0, "confident": self.confidence, "none": np.inf}[self.unlabelled_pairs]
        p, cluster = log_p.exp().max(1)
        return torch.where(p >= least, cluster, -1)

    def _assign(self, rows: Rows) -> np.ndarray:
        return self._nearest(rows, torch.from_numpy(self.cluster_centers_).to(rows.device))

    def _nearest(self, rows: Rows, centres: Tensor) -> np.ndarray:
        distances = outputs(lambda x: squared_distances(self._network(x), centres), rows, ROWS_AT_ONCE)
        return distances.argmin(1).astype(np.int64)

    def _make_network(self, n_features: int, generator: torch.Generator) -> Any:
        shape = self.image_shape
        if shape is not None and min(shape[:2]) >= SMALLEST_SIDE:
            return ConvolutionalAutoencoder(tuple(shape), self.code_size, 1.0, generator)
        return BoundedAutoencoder(n_features, self.code_size, self.hidden, 1.0, generator)

    def _input_scale(self, network: Any, rows: Rows) -> float:
        """Compute the factor that brings pixels to at most 1 (convolutional) or the mean square to 1."""
        if isinstance(network, BoundedAutoencoder):
            return unit_scale(rows)
        largest = max(float(chunk.abs().max()) for chunk in rows.chunks(CHUNK))
        return 1 / largest if largest else 1.0
