"""Semi-supervised learning: one model that is given the classes of some points."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.base import ClassifierMixin
from torch import Tensor

from kingdra_repro.bases import Base
from kingdra_repro.errors import InputError
from kingdra_repro.methods.ensemble import Ensemble
from kingdra_repro.methods.parameters import undone_if_it_fails
from kingdra_repro.training.events import Monitor
from kingdra_repro.training.stack import PseudoLabels


class SemiSupervised(ClassifierMixin, Ensemble):
    """One model trained with the classes of some points: the ladder network's own use (Rasmus et al., 2015).

    It is the one method here that is given labels. Beside each unsupervised batch it is shown one of labelled
    points, as many of each class. ``base="ladder"`` is the network of Rasmus et al.; the bases that find
    clusters (``ladder_im``) learn from their own terms, too.

    Parameters
    ----------
    n_clusters : int, default=8
        k, the number of classes.
    labels_per_class : int, default=10
        What the command line draws of a data set's classes, with the seed, and gives to ``fit``; see
        `kingdra_repro.methods.draw_labels`. ``fit`` takes what it is given.
    epochs : int, default=100
        Passes over all points.
    base, batch_size, learning_rate, decay_epochs, precision, compile, device, random_state, checkpoint_dir,
        monitor : as of `Ensemble`.

    Attributes
    ----------
    labels_ : int64 array [n]
        The class of each point as the model sees it, of the labelled ones too.
    classes_ : int64 array [k], 0..k-1
    history_ : DataFrame, one row
    n_features_in_ : int
    """

    n_models = 1
    n_jobs = None
    order = "epoch"  # of batches beside labelled ones, as in the iterations of Kingdra

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        base: str | Base = "ladder",
        labels_per_class: int = 10,
        epochs: int = 100,
        batch_size: int = 64,
        learning_rate: float = 0.002,
        decay_epochs: float = 0.0,
        precision: str = "float32",
        compile: bool | str = "auto",
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        checkpoint_dir: str | Path | None = None,
        monitor: Monitor | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.base = base
        self.labels_per_class = labels_per_class
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.decay_epochs = decay_epochs
        self.precision = precision
        self.compile = compile
        self.device = device
        self.random_state = random_state
        self.checkpoint_dir = checkpoint_dir
        self.monitor = monitor

    def fit(self, X: Any, y: Any) -> Self:  # type: ignore[override]
        """Learn from X, array or sparse matrix [n, d], and y, int [n]: classes 0..k-1, -1 where not known.

        Raises
        ------
        InputError
            (a ValueError) If a parameter has no meaning, y does not fit X, or a class has no label.
        """
        with undone_if_it_fails(self):
            X = self._validated(X, reset=True)
            self._given = self._labels(y, X.shape[0])
            self.classes_ = np.arange(self.n_clusters)
            self._fit_and_close(X)
        return self

    def fit_predict(self, X: Any, y: Any) -> np.ndarray:  # type: ignore[override]
        """Learn from X and y, and give the class of each point: int64 array [n]."""
        return self.fit(X, y).labels_

    def _fit(self, X: np.ndarray | sp.csr_matrix) -> None:
        self._begin(X, n_iter=0, epochs_total=self.epochs, labels=self._given)
        given = PseudoLabels(self._given, outputs=np.arange(self.n_clusters)[None])
        losses = self._train(0, self.epochs, given)
        self._end_phase(0, self._ensemble.predict_proba(), None, losses)

    def _answer(self, proba: Tensor) -> None:
        """Outputs are classes: there is nothing to align."""
        self._outputs = torch.arange(self.n_clusters)[None]
        self.labels_ = proba[0].argmax(1).numpy()
        self.model_labels_ = self.labels_[None]

    def _labels(self, y: Any, n: int) -> np.ndarray:
        y = np.asarray(y)
        if y.shape != (n,) or y.dtype.kind not in "iu":
            raise InputError(
                f"y of shape {y.shape} and type {y.dtype} does not fit {n} points: give each a whole number"
            )
        y = y.astype(np.int64)
        if not -1 <= y.min() <= y.max() < self.n_clusters:
            raise InputError(
                f"y has values from {y.min()} to {y.max()}: give classes 0 to {self.n_clusters - 1}, or -1"
            )
        without = np.setdiff1d(np.arange(self.n_clusters), y)
        if len(without):
            raise InputError(f"y={without[0]} labels no point: give labels of all {self.n_clusters} classes")
        return y

    def _least(self) -> dict[str, int]:
        return {**super()._least(), "labels_per_class": 1}
