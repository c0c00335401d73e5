"""Kingdra for data without a meaningful row order: it starts with too many clusters and joins them."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.bases import IMSATVAT, Base, make_base, make_bases
from kingdra_repro.checks import Check, integer, positive
from kingdra_repro.data.streamed import Matrix
from kingdra_repro.errors import InputError
from kingdra_repro.methods.ensemble import Ensemble
from kingdra_repro.methods.ensemble_fit import EnsembleFit, PhaseResult
from kingdra_repro.methods.given_labels import Supervision
from kingdra_repro.methods.kingdra import Kingdra
from kingdra_repro.pseudo_labels.evidence import join_clusters
from kingdra_repro.pseudo_labels.matching import best_match, contingency
from kingdra_repro.training.outputs import Outputs
from kingdra_repro.training.seeds import Purpose, numpy_stream

FIRST_BASE = IMSATVAT(radius_scale=0.4, xi=5.0)


@dataclass(eq=False, repr=False, kw_only=True)
class KingdraPlus(Kingdra):
    """Kingdra with a first phase that does not depend on a meaningful order of the rows.

    Not in the paper, whose accuracy on MNIST depends on the order of the file. On shuffled data, models with
    k outputs tend to split a pair of similar classes by style (4 and 9 by their slant, for example) instead
    of by class. Models with more outputs than classes avoid this: most of their clusters are pure. Since each
    model splits the classes differently, all models together show which clusters belong together. Therefore:

    1. An ensemble with ``fineness`` * k outputs is trained without labels.
    2. Its clusters are joined to k groups (`kingdra_repro.pseudo_labels.evidence.join_clusters`).
    3. Kingdra continues with new models with k outputs, and with the mini-clusters of the joined outputs as
       the first pseudo-labels. With pseudo-labels from the start, these models use the weights that a base
       has for training with them (``w_mi_later``). If the joined outputs do not give k mini-clusters, they
       start without pseudo-labels.

    The first models do not learn from the labels and linked pairs passed to ``fit``. The pairs influence
    which clusters are joined, and the new models learn from both.

    Parameters
    ----------
    n_models : int, default=10
        Number of models, at least 2.
    base : str, Base, or a list of these, default="ladder_im"
        Base of the new models with k outputs; see `Kingdra`.
    first_base : str, Base, a list of these, or None, default=None
        Base of the first models. None means ``IMSATVAT(radius_scale=0.4, xi=5.0)``, which suits features from
        0 to 1.
    fineness : int, default=2
        The first models have ``fineness`` * k outputs.
    first_epochs : int, default=50
        Passes over the data for the first models.
    first_batch_size : int, default=250
        Batch size of the first models.
    first_learning_rate : float, default=0.002
        Learning rate of the first models.
    n_clusters, n_iter, epochs, batch_size, learning_rate, decay_epochs, order, precision : see `Kingdra`
    pseudo_labels, mapping, keep_phase, compile, device, n_jobs : see `Kingdra`
    random_state, checkpoint_dir, monitor, verbose : see `Kingdra`

    Attributes
    ----------
    labels_, model_labels_, pseudo_labels_, history_, phase_, n_features_in_ : see `Kingdra`
        Row 0 of the history is the first phase, after the clusters are joined.

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
        "n_models": integer(2),  # one model alone cannot show which clusters belong together
        "n_iter": integer(1),
        "fineness": integer(1),
        "first_batch_size": integer(2),
        "first_learning_rate": positive,
    }

    nested_factories: ClassVar[dict[str, Callable[[Any], Any]]] = {
        **Kingdra.nested_factories,
        "first_base": lambda base: FIRST_BASE if base is None else make_base(base),
    }

    reuse_first_models: ClassVar[bool] = False
    streams: ClassVar[bool] = False  # joining needs the first models' outputs in memory

    first_base: str | Base | Sequence[str | Base] | None = None
    fineness: int = 2
    first_epochs: int = 50
    first_batch_size: int = 250
    first_learning_rate: float = 0.002

    def _fit_validated(self, X: Matrix, supervision: Supervision) -> None:
        if X.shape[0] < self.fineness * self.n_clusters:
            raise InputError(
                f"{X.shape[0]} points are too few for fineness={self.fineness} times {self.n_clusters} "
                "clusters: give more points, or smaller numbers"
            )
        if self.first_base is not None:
            make_bases(self.first_base, self.n_models, "first_base")  # raises with this name, not "base"
        super()._fit_validated(X, supervision)

    def _first_phase(self, fit: EnsembleFit, supervision: Supervision) -> PhaseResult:
        """Train the first models without labels, with more outputs than clusters; join their outputs to k.

        Their seed and checkpoint folder derive from those of the fit. Linked pairs influence what is joined.
        With labels, joined outputs get the numbers of the classes of their labelled points.
        """
        fine = self._fine_ensemble(fit)
        with closing(
            EnsembleFit(
                fine, fit.X, n_iter=fit.n_iter, epochs_total=fit.epochs_total, rate="first_learning_rate"
            )
        ) as first:
            result, fitted = first.train(fine.epochs, None), first.fitted()
        clusters = result.outputs.predictions.numpy()
        links = None if supervision.links is None else supervision.links.links
        groups = join_clusters(clusters, fine.n_clusters, self.n_clusters, links)
        joined = torch.stack(
            [
                _sums(proba, of_model, self.n_clusters)
                for proba, of_model in zip(fitted.predict_proba(fit.X, fit.device), groups, strict=True)
            ]
        )
        if len(supervision.classes):
            joined = joined[..., _group_of_class(joined, supervision)]
        outputs = Outputs.from_proba(joined)
        return PhaseResult(result.losses, outputs, lambda: fitted.features(fit.X, fit.device))

    def _fine_ensemble(self, fit: EnsembleFit) -> Ensemble:
        seed = numpy_stream(fit.seed, 0, Purpose.FIRST_MODELS).integers(2**31)  # not the new models' seed
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
            "verbose": 0,  # shown by `fit`
        }
        return Ensemble(**{**shared, **own})


def _group_of_class(joined: Tensor, supervision: Supervision) -> Tensor:
    """Match classes to joined outputs by where the models' average puts the labelled points: int64 [k]."""
    labels = torch.from_numpy(supervision.labels)
    known = labels >= 0
    answers = joined.mean(0).argmax(1)[known]
    of_class = contingency(labels[known], answers[None], joined.shape[-1])
    return best_match(of_class[0])


def _sums(proba: Tensor, groups: np.ndarray, n_clusters: int) -> Tensor:
    """Sum outputs [n, n_fine] over each group: Tensor [n, n_clusters]."""
    joined = proba.new_zeros(len(proba), n_clusters)
    return joined.index_add_(1, torch.from_numpy(groups), proba)
