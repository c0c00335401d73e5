"""Kingdra for rows without an order: first clusters are too fine, and joined by what models put together."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from kingdra_repro.bases import IMSATVAT, Base
from kingdra_repro.devices import choose_device
from kingdra_repro.errors import InputError
from kingdra_repro.methods.ensemble import Ensemble
from kingdra_repro.methods.kingdra import Kingdra
from kingdra_repro.methods.parameters import check_positive
from kingdra_repro.pseudo_labels import PseudoLabeller
from kingdra_repro.pseudo_labels.evidence import join_clusters
from kingdra_repro.training.events import Iteration, Monitor, Progress
from kingdra_repro.training.seeds import Purpose, numpy_stream
from kingdra_repro.training.stack import PseudoLabels

FIRST_BASE = IMSATVAT(radius_scale=0.4, xi=5.0)


class KingdraPlus(Kingdra):
    """Kingdra with a first phase that does not need rows in an order that means something.

    Not in the paper, whose accuracy on MNIST rests on the order of the file. Shuffled, models with k outputs
    tend to cut a pair of like classes by style (4 and 9 by their slant, say) rather than by class. With more
    outputs than classes they need not choose: most of their clusters are pure, and since every model cuts the
    classes elsewhere, all of them together tell what belongs together. So:

    1. train an ensemble without labels that has ``fineness`` k outputs,
    2. join the clusters to k (`kingdra_repro.pseudo_labels.evidence.join_clusters`),
    3. go on as Kingdra does, with the mini-clusters of these votes as the first pseudo-labels, and new models
       with k outputs, which have pseudo-labels from the beginning, and so a base's weights beside them
       (``w_mi_later``). Where the votes give no k mini-clusters, they begin without.

    Parameters
    ----------
    n_models : int, default=10
        At least 2.
    n_clusters, n_iter, epochs, batch_size, learning_rate, decay_epochs, order, precision, pseudo_labels,
        mapping, compile, device, n_jobs, random_state, checkpoint_dir, monitor : see `Kingdra`
    base : of the models with k outputs; see `Kingdra`
    first_base : str, Base, a list of these, or None
        Of the models with more outputs. None: ``IMSATVAT(radius_scale=0.4, xi=5.0)``, which suits features
        from 0 to 1.
    fineness : int, default=2
        They have so many times k.
    first_epochs : int, default=50
        Passes over the data for these models.
    first_batch_size : int, default=250
    first_learning_rate : float, default=0.002

    Attributes
    ----------
    labels_, model_labels_, pseudo_labels_, history_, n_features_in_ : see `Kingdra`
        Row 0 of the history is the first phase, after the joining.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        base: str | Base | Sequence[str | Base] = "ladder_im",
        first_base: str | Base | Sequence[str | Base] | None = None,
        fineness: int = 2,
        n_models: int = 10,
        n_iter: int = 10,
        first_epochs: int = 50,
        first_batch_size: int = 250,
        first_learning_rate: float = 0.002,
        epochs: int = 5,
        batch_size: int = 64,
        learning_rate: float = 0.002,
        decay_epochs: float = 0.0,
        order: str = "epoch",
        precision: str = "float32",
        compile: bool | str = "auto",
        pseudo_labels: str | PseudoLabeller = "graph",
        mapping: str = "one_to_one",
        device: str = "auto",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        checkpoint_dir: str | Path | None = None,
        monitor: Monitor | None = None,
    ) -> None:
        super().__init__(
            n_clusters,
            base=base,
            n_models=n_models,
            n_iter=n_iter,
            first_epochs=first_epochs,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            decay_epochs=decay_epochs,
            order=order,
            precision=precision,
            compile=compile,
            pseudo_labels=pseudo_labels,
            mapping=mapping,
            device=device,
            n_jobs=n_jobs,
            random_state=random_state,
            checkpoint_dir=checkpoint_dir,
            monitor=monitor,
        )
        self.first_base = first_base
        self.fineness = fineness
        self.first_batch_size = first_batch_size
        self.first_learning_rate = first_learning_rate

    def _first_phase(
        self, X: np.ndarray | sp.csr_matrix
    ) -> tuple[dict[str, float], Tensor, Callable[[], Tensor]]:
        total = self._epochs_total * self.n_models
        seed = numpy_stream(self._seed, 0, Purpose.FIRST_MODELS).integers(2**31)  # not the later models'
        device = choose_device(self.device)
        fine = Ensemble(
            self.fineness * self.n_clusters,
            base=FIRST_BASE if self.first_base is None else self.first_base,
            n_models=self.n_models,
            epochs=self.first_epochs,
            batch_size=self.first_batch_size,
            learning_rate=self.first_learning_rate,
            decay_epochs=self.decay_epochs,
            order=self.order,
            precision=self.precision,
            compile=self.compile,
            device=self.device,
            n_jobs=self.n_jobs,
            random_state=int(seed),
            checkpoint_dir=None if self._checkpoint is None else self._checkpoint.folder / "fine",
            monitor=None if self.monitor is None else _Progress(self.monitor, self.n_iter, total),
        ).fit(X)
        groups = join_clusters(fine.model_labels_, fine.n_clusters, self.n_clusters)
        joined = [
            _sums(proba, of_model, self.n_clusters)
            for proba, of_model in zip(fine._fitted.predict_proba(X, device), groups, strict=True)
        ]
        row = fine.history_.iloc[-1].drop(["iteration", "seconds", "agreement"])
        losses = {str(name): float(value) for name, value in row.items()}
        return losses, torch.stack(joined), lambda: fine._fitted.features(X, device)

    def _resume(self) -> tuple[int, PseudoLabels | None]:
        start, pseudo = super()._resume()
        # The models with k outputs begin in iteration 1.
        self._epochs_elsewhere = self.first_epochs
        self._epochs_done = max(0, start - 1) * self.epochs
        return start, pseudo

    def _validated(self, X: Any, reset: bool) -> np.ndarray | sp.csr_matrix:
        X = super()._validated(X, reset)
        if reset and X.shape[0] < self.fineness * self.n_clusters:
            raise InputError(
                f"{X.shape[0]} points are too few for fineness={self.fineness} times {self.n_clusters} "
                "clusters: give more points, or smaller numbers"
            )
        return X

    def _least(self) -> dict[str, int]:
        # One model alone cannot tell what belongs together.
        return {**super()._least(), "n_models": 2, "n_iter": 1, "fineness": 1, "first_batch_size": 2}

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_positive(self, ["first_learning_rate"])


class _Progress:
    """Passes on how far the first phase is, as a part of the whole fit."""

    def __init__(self, monitor: Monitor, n_iter: int, model_epochs_total: float) -> None:
        self.monitor, self.n_iter, self.model_epochs_total = monitor, n_iter, model_epochs_total

    def progress(self, event: Progress) -> None:
        self.monitor.progress(replace(event, n_iter=self.n_iter, model_epochs_total=self.model_epochs_total))

    def iteration(self, it: Iteration) -> None:
        """Its clusters are not joined yet."""


def _sums(proba: Tensor, groups: np.ndarray, n_clusters: int) -> Tensor:
    """Outputs [n, n_clusters] from [n, n_fine]: sums over each group."""
    joined = proba.new_zeros(len(proba), n_clusters)
    return joined.index_add_(1, torch.from_numpy(groups), proba)
