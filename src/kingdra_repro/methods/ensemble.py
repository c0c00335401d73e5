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
from kingdra_repro.devices import choose_device, choose_devices
from kingdra_repro.errors import InputError
from kingdra_repro.methods.parameters import (
    PRECISIONS,
    check_choice,
    check_not_negative,
    check_positive,
    check_seed,
    check_whole,
    checked_data,
    undone_if_it_fails,
)
from kingdra_repro.methods.resuming import begin
from kingdra_repro.pseudo_labels import align, average
from kingdra_repro.training.batches import ORDERS
from kingdra_repro.training.events import Iteration, Monitor, Progress
from kingdra_repro.training.stack import PseudoLabels, StepDone
from kingdra_repro.training.step import compiles_right
from kingdra_repro.training.trainer import EnsembleTrainer


class Ensemble(ClusterMixin, BaseEstimator):
    """Train ``n_models`` models without labels, match their outputs one-to-one, average them.

    The paper's Ladder-*-ensemble rows. The outputs of each model are matched to those of the first by the
    Hungarian method on the points they share.

    Parameters
    ----------
    n_clusters : int, default=8
        k, from 1 to the number of points.
    base : str, an instance of a class of `kingdra_repro.bases`, or a list of these
        A name: "ladder_im", "ladder_dot", "imsat_vat", "imsat_rpt", "deep_rim" or "linear_rim". The members
        of a list take turns: model i is of the kind i modulo its length.
    n_models : int, default=10
    epochs : int, default=5
        Passes over the data.
    batch_size : int, default=64
    learning_rate : float, default=0.002
        Of Adam.
    decay_epochs : float, default=0
        The last so many epochs of the training, in which the learning rate falls to 0, linearly; 0: it is
        constant, as in the public code. Rasmus et al. (2015) let it fall in the last third.
    order : {"epoch", "once", "file"}, default="epoch"
        Order of the batches: shuffled in each epoch, shuffled once, or as the rows come.
    precision : {"float32", "tf32", "bfloat16"}, default="float32"
        Of the matrix products; everything else is float32. "tf32" is of training on a GPU alone.
    compile : {"auto", True, False}, default="auto"
        Whether ``torch.compile`` fuses elementwise operations; "auto": on a GPU, with the versions of PyTorch
        that were found to compute gradients rightly (not 2.11). The first steps then take longer, up to a
        minute or so. Where losses or gradients are not those of the plain way, a warning says so, and nothing
        is compiled.
    device : str, default="auto"
        A torch device; "auto" is a GPU where there is one.
    n_jobs : int or None, default=None
        Processes that the models are dealt out to, each with its share of the CPU's cores, or its GPU. None:
        this process trains them all; -1: one process for each GPU, or for each core of the CPU.
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
        decay_epochs: float = 0.0,
        order: str = "epoch",
        precision: str = "float32",
        compile: bool | str = "auto",
        device: str = "auto",
        n_jobs: int | None = None,
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
        self.decay_epochs = decay_epochs
        self.order = order
        self.precision = precision
        self.compile = compile
        self.device = device
        self.n_jobs = n_jobs
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
        with undone_if_it_fails(self):
            self._fit_and_close(self._validated(X, reset=True))
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """The average of the models' aligned outputs: float32 array [n, n_clusters]; rows sum to 1.

        A point's outputs do not depend on the others that it is given with: batch norm uses the moments of
        the whole training set.
        """
        check_is_fitted(self)
        X = self._validated(X, reset=False)
        proba = self._fitted.predict_proba(X, choose_device(self.device))
        return average(proba, self._outputs).numpy()

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

    def _fit_and_close(self, X: np.ndarray | sp.csr_matrix) -> None:
        """Fit, keep what prediction needs, and end what trains the models, also when something goes wrong."""
        try:
            self._fit(X)
            self._fitted = self._ensemble.fitted()
        finally:
            self._close()

    def _close(self) -> None:
        if hasattr(self, "_ensemble"):
            self._ensemble.close()
            del self._ensemble

    def _fit(self, X: np.ndarray | sp.csr_matrix) -> None:
        self._begin(X, n_iter=0, epochs_total=self.epochs)
        losses = self._train(0, self.epochs, None)
        proba = self._ensemble.predict_proba()
        self._end_phase(0, proba, None, {**losses, "agreement": agreement(proba)})

    def _begin(
        self,
        X: np.ndarray | sp.csr_matrix,
        n_iter: int,
        epochs_total: int,
        labels: np.ndarray | None = None,
    ) -> None:
        """Make the models, or take up those of a killed fit with the same settings, data and labels."""
        self._seed, self._checkpoint = begin(self, X, labels, may_change={"n_iter"})
        self._n_iter, self._epochs_total, self._epochs_done = n_iter, epochs_total, 0
        self._epochs_elsewhere = 0  # part of the total, not done by these models
        self._rows: list[dict[str, Any]] = []
        self._phase_started = time.monotonic()
        self._ensemble = EnsembleTrainer(
            make_bases(self.base, self.n_models),
            X,
            self.n_clusters,
            devices=choose_devices(self.device, self.n_jobs),
            checkpoint=self._checkpoint,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            decay_epochs=self.decay_epochs,
            order=self.order,
            precision=self.precision,
            compile=self._compiles(),
            seed=self._seed,
        )

    def _train(self, iteration: int, n_epochs: int, pseudo: PseudoLabels | None) -> dict[str, float]:
        """Train all models for some epochs; the mean of each loss term in the last."""
        epochs = range(self._epochs_done, self._epochs_done + n_epochs)
        n_pseudo_labels = 0 if pseudo is None else int((pseudo.labels >= 0).sum())

        def tell(done: float, step: StepDone) -> None:
            if self.monitor is None:
                return
            self.monitor.progress(
                Progress(
                    iteration=iteration,
                    n_iter=self._n_iter,
                    epoch=step.epoch - epochs.start + 1,
                    n_epochs=n_epochs,
                    model_epochs_done=done + self._epochs_elsewhere * self.n_models,
                    model_epochs_total=self._epochs_total * self.n_models,
                    losses=lambda: {name: float(value.mean()) for name, value in step.losses.items()},
                    n_pseudo_labels=n_pseudo_labels,
                )
            )

        self._epochs_done = epochs.stop
        return self._ensemble.train(epochs, pseudo, tell)

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
        check_not_negative(self, ["decay_epochs"])
        check_seed(self)
        check_choice(self, {"order": ORDERS, "precision": PRECISIONS})

        if self.compile not in (True, False, "auto"):
            raise InputError(f"compile={self.compile!r} is unknown: choose auto, true or false")

    def _compiles(self) -> bool:
        if self.compile == "auto":
            return choose_device(self.device).type == "cuda" and compiles_right()
        return bool(self.compile)

    def _least(self) -> dict[str, int]:
        return {"n_clusters": 1, "n_models": 1, "epochs": 1, "batch_size": 2}


def agreement(proba: Tensor) -> float:
    """Mean over points of the share of models that give the most frequent of their aligned answers.

    Known without labels: 1 if all models find the same clusters.
    """
    predictions = proba.argmax(-1)
    n_clusters = proba.shape[-1]
    to_reference = align(predictions, n_clusters).argsort(1)
    votes = torch.zeros(predictions.shape[1], n_clusters, dtype=torch.int32)
    for answers in to_reference.gather(1, predictions):  # one by one: less memory than all of them one-hot
        votes[torch.arange(len(answers)), answers] += 1
    return float(votes.max(1).values.double().mean()) / len(proba)


class Single(Ensemble):
    """One model trained without labels: the paper's rows of Ladder-IM, Ladder-Dot, Deep RIM and IMSAT.

    It is the ensemble of one; see `Ensemble` for the parameters and attributes.
    """

    n_models = 1
    n_jobs = None

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        base: str | Base = "ladder_im",
        epochs: int = 5,
        batch_size: int = 64,
        learning_rate: float = 0.002,
        decay_epochs: float = 0.0,
        order: str = "epoch",
        precision: str = "float32",
        compile: bool | str = "auto",
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        checkpoint_dir: str | Path | None = None,
        monitor: Monitor | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.base = base
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.decay_epochs = decay_epochs
        self.order = order
        self.precision = precision
        self.compile = compile
        self.device = device
        self.random_state = random_state
        self.checkpoint_dir = checkpoint_dir
        self.monitor = monitor
