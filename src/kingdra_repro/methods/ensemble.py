"""The ensemble scheme: train M models without labels, align their outputs, average."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from kingdra_repro.bases import Base, make_bases
from kingdra_repro.devices import choose_device
from kingdra_repro.ensemble.batches import ORDERS
from kingdra_repro.ensemble.ensemble import TrainedEnsemble
from kingdra_repro.ensemble.stack import PseudoLabels, Step
from kingdra_repro.methods.events import Iteration, Monitor, Progress
from kingdra_repro.methods.parameters import (
    check_choice,
    check_positive,
    check_seed,
    check_whole,
    checked_data,
)
from kingdra_repro.methods.resuming import begin
from kingdra_repro.pseudo_labels import align

PRECISIONS = ("float32", "bfloat16")


class Ensemble(ClusterMixin, BaseEstimator):
    """Train ``n_models`` models without labels, match their outputs one-to-one, average them.

    The paper's Ladder-*-ensemble rows. The outputs of each model are matched to those of the first by the
    Hungarian method on the points they share.

    Parameters
    ----------
    n_clusters : int, default=8
        k, from 2 to the number of points.
    base : {"ladder_im", "ladder_dot"}, an instance of a class of `kingdra_repro.bases`, or a list of these
        The members of a list take turns: model i is of the kind i modulo its length.
    n_models : int, default=10
    epochs : int, default=5
        Passes over the data.
    batch_size : int, default=64
    learning_rate : float, default=0.002
        Of Adam.
    order : {"epoch", "once", "file"}, default="epoch"
        Order of the batches: shuffled in each epoch, shuffled once, or as the rows come.
    precision : {"float32", "bfloat16"}, default="float32"
        Of the matrix products; everything else is float32.
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
    model_labels_ : int64 array [n_models, n]
        Each model's own clusters, numbered by its outputs, which differ from model to model.
    history_ : DataFrame, a row an iteration
    n_features_in_ : int

    References
    ----------
    Gupta, Ramjee, Kwatra, Sivathanu (2020), Unsupervised Clustering using Pseudo-semi-supervised Learning,
    ICLR, sections 4.1 and 5.4.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        base: str | Base | Sequence[str | Base] = "ladder_im",
        n_models: int = 10,
        epochs: int = 5,
        batch_size: int = 64,
        learning_rate: float = 0.002,
        order: str = "epoch",
        precision: str = "float32",
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        checkpoint_dir: str | Path | None = None,
        monitor: Monitor | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.base = base
        self.n_models = n_models
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.order = order
        self.precision = precision
        self.device = device
        self.random_state = random_state
        self.checkpoint_dir = checkpoint_dir
        self.monitor = monitor

    def fit(self, X: Any, y: Any = None) -> Self:
        """Cluster X: array or sparse matrix [n, d] of finite numbers, n >= n_clusters. ``y`` is ignored.

        Raises
        ------
        InputError
            (a ValueError) If a parameter has no meaning; ValueError for NaN, infinities, wrong shapes.
        """
        X = self._validated(X, reset=True)
        self._fit(X)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """The average of the models' aligned outputs: float32 array [n, n_clusters]; rows sum to 1.

        A point's outputs do not depend on the others that it is given with: batch norm uses the moments of
        the whole training set.
        """
        check_is_fitted(self)
        X = self._validated(X, reset=False)
        return average(self._ensemble.predict_proba(X), self._outputs).numpy()

    def predict(self, X: Any) -> np.ndarray:
        """The cluster of each row of X: int64 array [n]."""
        return self.predict_proba(X).argmax(1).astype(np.int64)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        # Not a classifier; but scikit-learn's check of sparse input reads this tag of all that predict_proba.
        tags.classifier_tags = ClassifierTags(multi_class=self.n_clusters != 2)
        return tags

    # What a fit is made of. Kingdra puts its iterations between the first phase and the answer.

    def _fit(self, X: np.ndarray | sp.csr_matrix) -> None:
        self._begin(X, n_iter=0, epochs_total=self.epochs)
        losses = self._train(0, self.epochs, None)
        proba = self._ensemble.predict_proba()
        self._end_phase(0, proba, None, {**losses, "agreement": agreement(proba)})

    def _begin(self, X: np.ndarray | sp.csr_matrix, n_iter: int, epochs_total: int) -> None:
        seed, self._checkpoint = begin(self, X, may_change={"n_iter"})
        self._n_iter, self._epochs_total, self._epochs_done = n_iter, epochs_total, 0
        self._rows: list[dict[str, Any]] = []
        self._phase_started = time.monotonic()
        self._ensemble = TrainedEnsemble(
            make_bases(self.base, self.n_models),
            X,
            self.n_clusters,
            device=choose_device(self.device),
            checkpoint=self._checkpoint,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            order=self.order,
            precision=self.precision,
            seed=seed,
        )

    def _train(self, iteration: int, n_epochs: int, pseudo: PseudoLabels | None) -> dict[str, float]:
        """Train all models for some epochs; the mean of each loss term in the last."""
        first = self._epochs_done
        n_pseudo_labels = 0 if pseudo is None else int((pseudo.labels >= 0).sum())

        def tell(models_before: int, epoch: int, step: Step) -> None:
            if self.monitor is None:
                return
            in_stack = len(next(iter(step.losses.values())))
            done = (
                first * self.n_models + models_before * n_epochs + in_stack * (epoch - first + step.fraction)
            )
            self.monitor.progress(
                Progress(
                    iteration=iteration,
                    n_iter=self._n_iter,
                    epoch=epoch - first + 1,
                    n_epochs=n_epochs,
                    model_epochs_done=done,
                    model_epochs_total=self._epochs_total * self.n_models,
                    losses=lambda: {name: float(value.mean()) for name, value in step.losses.items()},
                    n_pseudo_labels=n_pseudo_labels,
                )
            )

        self._epochs_done += n_epochs
        return self._ensemble.train(iteration, self._epochs_done, pseudo, tell)

    def _end_phase(
        self, iteration: int, proba: Tensor, pseudo_labels: np.ndarray | None, facts: dict[str, Any]
    ) -> None:
        """Set the answer as it is now, add a row to the history, and tell the monitor."""
        self._answer(proba)
        now = time.monotonic()
        row = {"iteration": iteration, "seconds": round(now - self._phase_started, 3), **facts}
        self._phase_started = now
        self._set_history([*self._rows, row])
        if self.monitor is not None:
            self.monitor.iteration(Iteration(iteration, self.labels_, self.model_labels_, pseudo_labels, row))

    def _answer(self, proba: Tensor) -> None:
        """Set the answer that outputs [M, n, k] of the training set give."""
        model_labels = proba.argmax(-1)
        self._outputs = align(model_labels, self.n_clusters)
        self.labels_ = average(proba, self._outputs).argmax(1).numpy()
        self.model_labels_ = model_labels.numpy()

    def _set_history(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows
        self.history_ = pd.DataFrame(rows)

    def _validated(self, X: Any, reset: bool) -> np.ndarray | sp.csr_matrix:
        if reset:
            self._check_parameters()
        return checked_data(self, X, reset=reset)

    def _check_parameters(self) -> None:
        check_whole(self, self._least())
        check_positive(self, ["learning_rate"])
        check_seed(self)
        check_choice(self, {"order": ORDERS, "precision": PRECISIONS})

    def _least(self) -> dict[str, int]:
        return {"n_clusters": 1, "n_models": 1, "epochs": 1, "batch_size": 2}


def average(proba: Tensor, outputs: Tensor) -> Tensor:
    """Mean over the models of outputs [M, n, k], each put in its order [M, k] first: Tensor [n, k]."""
    order = outputs[:, None, :].expand_as(proba)
    return proba.gather(2, order).mean(0)


def agreement(proba: Tensor) -> float:
    """Mean over points of the share of models that give the most frequent of their aligned answers.

    Known without labels: 1 if all models find the same clusters.
    """
    predictions = proba.argmax(-1)
    n_clusters = proba.shape[-1]
    to_reference = align(predictions, n_clusters).argsort(1)
    votes = torch.nn.functional.one_hot(to_reference.gather(1, predictions), n_clusters).sum(0)
    return float(votes.max(1).values.double().mean()) / len(proba)
