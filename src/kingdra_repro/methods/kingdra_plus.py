"""Kingdra for rows without an order: first clusters are too fine, and joined by what models put together."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.bases import IMSATVAT, Base, make_base
from kingdra_repro.checks import Check, integer, positive
from kingdra_repro.data.streamed import Matrix
from kingdra_repro.errors import InputError
from kingdra_repro.methods.ensemble import Ensemble
from kingdra_repro.methods.ensemble_fit import EnsembleFit, Trained
from kingdra_repro.methods.given_labels import Given
from kingdra_repro.methods.kingdra import Kingdra
from kingdra_repro.pseudo_labels.evidence import join_clusters
from kingdra_repro.pseudo_labels.matching import best_match, contingency
from kingdra_repro.training.outputs import Outputs
from kingdra_repro.training.seeds import Purpose, numpy_stream

FIRST_BASE = IMSATVAT(radius_scale=0.4, xi=5.0)


@dataclass(eq=False, repr=False, kw_only=True)
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

    The first models learn without the labels and linked pairs that ``fit`` is told: pairs decide what is
    joined, and both are learned from after that.

    Parameters
    ----------
    n_models : int, default=10
        At least 2.
    n_clusters, n_iter, epochs, batch_size, learning_rate, decay_epochs, order, precision, pseudo_labels,
        mapping, compile, device, n_jobs, random_state, checkpoint_dir, monitor, verbose : see `Kingdra`
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

    See Also
    --------
    Kingdra : The paper's method.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kingdra_repro.methods import KingdraPlus
    >>> X = load_digits().data / 16
    >>> labels = KingdraPlus(n_clusters=10, random_state=0).fit_predict(X)  # doctest: +SKIP
    """

    checks: ClassVar[dict[str, Check]] = {
        **Kingdra.checks,
        "n_models": integer(2),  # one model alone cannot tell what belongs together
        "n_iter": integer(1),
        "fineness": integer(1),
        "first_batch_size": integer(2),
        "first_learning_rate": positive,
    }

    parts: ClassVar[dict[str, Callable[[Any], Any]]] = {
        **Kingdra.parts,
        "first_base": lambda base: FIRST_BASE if base is None else make_base(base),
    }

    first_models_train_on: ClassVar[bool] = False
    streams: ClassVar[bool] = False  # the first models' outputs are joined, all at once

    first_base: str | Base | Sequence[str | Base] | None = None
    fineness: int = 2
    first_epochs: int = 50
    first_batch_size: int = 250
    first_learning_rate: float = 0.002

    def _fit_given(self, X: Matrix, given: Given) -> None:
        if X.shape[0] < self.fineness * self.n_clusters:
            raise InputError(
                f"{X.shape[0]} points are too few for fineness={self.fineness} times {self.n_clusters} "
                "clusters: give more points, or smaller numbers"
            )
        super()._fit_given(X, given)

    def _first_phase(self, fit: EnsembleFit, given: Given) -> Trained:
        """Train other models, with more outputs than there are clusters, without labels; join these to k.

        Seed and checkpoint come from the fit. Linked pairs decide what is joined; the outputs that points of
        a class are joined to get the number of the class.
        """
        fine = self._fine_ensemble(fit)
        with closing(EnsembleFit(fine, fit.X, n_iter=fit.n_iter, epochs_total=fit.epochs_total)) as first:
            trained, fitted = first.train(fine.epochs, None), first.fitted()
        clusters = trained.outputs.predictions.numpy()
        links = None if given.links is None else given.links.links
        groups = join_clusters(clusters, fine.n_clusters, self.n_clusters, links)
        joined = torch.stack(
            [
                _sums(proba, of_model, self.n_clusters)
                for proba, of_model in zip(fitted.predict_proba(fit.X, fit.device), groups, strict=True)
            ]
        )
        if len(given.classes):
            joined = joined[..., _group_of_class(joined, given)]
        return Trained(trained.losses, Outputs.of(joined), lambda: fitted.features(fit.X, fit.device))

    def _fine_ensemble(self, fit: EnsembleFit) -> Ensemble:
        seed = numpy_stream(fit.seed, 0, Purpose.FIRST_MODELS).integers(2**31)  # not the later models'
        shared = {name: getattr(self, name) for name in Ensemble().get_params(deep=False)}
        own = {
            "n_clusters": self.fineness * self.n_clusters,
            "base": FIRST_BASE if self.first_base is None else self.first_base,
            "epochs": self.first_epochs,
            "batch_size": self.first_batch_size,
            "learning_rate": self.first_learning_rate,
            "random_state": int(seed),
            "checkpoint_dir": None if fit.checkpoint is None else fit.checkpoint.folder / "fine",
            "monitor": fit.monitor,
            "verbose": 0,  # the fit shows this phase, too
        }
        return Ensemble(**{**shared, **own})


def _group_of_class(joined: Tensor, given: Given) -> Tensor:
    """Match classes to groups by the labelled points that the models together put there: int64 [k]."""
    labels = torch.from_numpy(given.labels)
    known = labels >= 0
    answers = joined.mean(0).argmax(1)[known]
    of_class = contingency(labels[known], answers[None], joined.shape[-1])
    return best_match(of_class[0])


def _sums(proba: Tensor, groups: np.ndarray, n_clusters: int) -> Tensor:
    """Return the outputs [n, n_clusters] from [n, n_fine]: sums over each group."""
    joined = proba.new_zeros(len(proba), n_clusters)
    return joined.index_add_(1, torch.from_numpy(groups), proba)
