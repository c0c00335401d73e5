"""The ensemble: M models are trained without labels, and their outputs are aligned and averaged."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import ClassifierTags, Tags, TransformerTags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from kingdra_repro.bases import Base, make_base, make_bases
from kingdra_repro.checks import Check, integer
from kingdra_repro.data.links import Links
from kingdra_repro.data.streamed import Matrix
from kingdra_repro.devices import choose_device
from kingdra_repro.errors import InputError
from kingdra_repro.library_state import default_library_state
from kingdra_repro.methods.clusterer import TrainedClusterer, fit_context
from kingdra_repro.methods.ensemble_fit import EnsembleFit, PhaseResult
from kingdra_repro.methods.features import checked_data
from kingdra_repro.methods.given_labels import Supervision, validate_optional_labels
from kingdra_repro.pseudo_labels import align, average
from kingdra_repro.pseudo_labels.matching import agreement
from kingdra_repro.training.options import TrainingOptions
from kingdra_repro.training.outputs import Outputs
from kingdra_repro.training.prediction import FittedEnsemble


@dataclass(eq=False, repr=False, kw_only=True)
class Ensemble(ClassNamePrefixFeaturesOutMixin, TransformerMixin, TrainedClusterer, TrainingOptions):
    """An ensemble of models trained without labels, whose outputs are matched one-to-one and averaged.

    The paper's rows Ladder-IM-ensemble and Ladder-Dot-ensemble. The outputs of each model are matched to
    those of the first model by the Hungarian method, so that matched outputs have as many points in common as
    possible. ``fit`` optionally takes a few labels and linked pairs: for each class with a label, the output
    of that number then stands for the class.

    Parameters
    ----------
    base : str, an instance of a class of `kingdra_repro.bases`, or a list of these, default="ladder_im"
        The base model. Names are "ladder_im", "ladder_dot", "imsat_vat", "imsat_rpt", "deep_rim" and
        "linear_rim". The entries of a list take turns: model i uses entry i modulo the list's length.
    n_models : int, default=10
        Number of models.
    epochs : int, default=5
        Passes over the data.
    n_clusters, n_jobs, device, random_state, checkpoint_dir, monitor, verbose : see `Kingdra`
    batch_size, learning_rate, order, precision, compile : see `Kingdra`
    decay_epochs : float, default=0
        Number of epochs at the end over which the learning rate falls linearly to 0. If 0, the learning rate
        is constant, as in the public code. Rasmus et al. (2015) decrease it over the last third.

    Attributes
    ----------
    labels_ : int64 array [n]
        The cluster of each point; labelled points have their class.
    model_labels_ : integer array [n_models, n]
        The clusters of each model, numbered by its own outputs, which are not matched between models. int64;
        for streamed or very large data uint8, or int16 with more than 256 clusters, to save memory.
    history_ : DataFrame, one row with losses, seconds, and agreement of the ensemble
    n_features_in_ : int

    See Also
    --------
    Kingdra : Trains the ensemble further with pseudo-labels.
    Single : One model.

    References
    ----------
    Gupta, Ramjee, Kwatra, Sivathanu (2020), Unsupervised Clustering using Pseudo-semi-supervised Learning,
    ICLR, sections 4.1 and 5.4.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kingdra_repro.methods import Ensemble
    >>> X = load_digits().data[:200] / 16
    >>> Ensemble(n_clusters=10, n_models=2, epochs=1, random_state=0).fit_predict(X).shape
    (200,)
    """

    checks: ClassVar[dict[str, Check]] = {
        **TrainedClusterer.checks,
        **TrainingOptions.checks,
        "n_models": integer(1),
        "epochs": integer(1),
    }

    nested_factories: ClassVar[dict[str, Callable[[Any], Any]]] = {"base": make_base}

    streams: ClassVar[bool] = True
    takes_labels: ClassVar[bool] = True

    base: str | Base | Sequence[str | Base] = "ladder_im"
    n_models: int = 10
    epochs: int = 5
    n_jobs: int | None = None

    @default_library_state()
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        must_link: Any = None,
        cannot_link: Any = None,
        must_weight: Any = None,
        cannot_weight: Any = None,
    ) -> Self:
        """Cluster X, optionally with the classes of some points and linked pairs.

        Parameters
        ----------
        X : array or sparse matrix [n, d] of finite numbers, n >= n_clusters
        y : int array [n] or None
            Classes 0..k-1, -1 if unknown; not every class needs a label. A ``y`` without any -1 is ignored,
            since scikit-learn passes the full ``y`` to clusterers, too. `SemiSupervised` is different: it
            needs a label of each class, and uses any ``y``.
        must_link, cannot_link : int arrays [m, 2] or None
            Row indices of pairs of points that belong to the same cluster, or to different ones. Pairs that
            follow from these are used as well.
        must_weight, cannot_weight : float arrays [m] or None
            Certainty of each pair, above 0 and at most 1. None means 1.

        Raises
        ------
        InputError
            (a ValueError) If a parameter is invalid, y does not fit X, or labels and pairs contradict each
            other. ValueError for NaN, infinities and wrong shapes.
        """
        with fit_context(self, X) as X:
            links = Links.of(X.shape[0], must_link, cannot_link, must_weight, cannot_weight)
            self._fit_validated(X, Supervision.of(self._checked_labels(y, X.shape[0]), links))
        return self

    @property
    def is_ensemble(self) -> bool:
        return self.n_models > 1

    def _checked_labels(self, y: Any, n: int) -> np.ndarray:
        return validate_optional_labels(y, n, self.n_clusters)

    def _fit_validated(self, X: Matrix, supervision: Supervision) -> None:
        with closing(EnsembleFit(self, X, epochs_total=self.epochs, supervision=supervision)) as fit:
            result = fit.train(self.epochs, supervision.pseudo_labels(self.n_models, self.n_clusters))
            self._set_answer(result.outputs, supervision)
            fit.end_phase(self.labels_, self.model_labels_, None, self._phase_metrics(result))
            self._set_fitted(fit)

    def _phase_metrics(self, result: PhaseResult) -> dict[str, Any]:
        """Return the values of a phase that need no true labels, for its row of the history."""
        return {**result.losses, "agreement": agreement(result.outputs.predictions, self.n_clusters)}

    @default_library_state()
    def predict_proba(self, X: Any) -> np.ndarray:
        """Compute the average of the models' aligned outputs: float32 array [n, n_clusters]; rows sum to 1.

        A point's outputs do not depend on the other rows of X: batch norm uses the moments of the whole
        training set.
        """
        check_is_fitted(self)
        return torch.cat([average(proba, self._alignment) for proba in self._proba(X)]).numpy()

    def _proba(self, X: Any) -> Iterator[Tensor]:
        """Yield the models' own outputs for consecutive blocks of rows of X: float32 [n_models, m, k]."""
        return self._fitted.blocks(checked_data(self, X, reset=False), choose_device(self.device))

    def transform(self, X: Any) -> np.ndarray:
        """Return the outputs of `predict_proba` as features: float32 array [n, n_clusters].

        ``fit_transform`` returns them for the data that it fits, ``get_feature_names_out`` returns their
        names, and ``set_output(transform="pandas")`` makes the result a DataFrame.
        """
        return self.predict_proba(X)

    @property
    def _n_features_out(self) -> int:  # read by get_feature_names_out
        return self._alignment.shape[1]

    def predict(self, X: Any) -> np.ndarray:
        """Predict the cluster of each row of X: int64 array [n]."""
        return self.predict_with_certainty(X)[0]

    @default_library_state()
    def predict_with_certainty(
        self, X: Any, labels: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Predict the cluster of each row of X [n, d], and how certain the ensemble is of it.

        Parameters
        ----------
        X : array or sparse matrix [n, d]
        labels : int64 array [n] or None
            The clusters whose certainty is returned, such as ``labels_`` for the training data; None: those
            of `predict`.

        Returns
        -------
        labels : int64 array [n]
        confidence : float32 array [n]
            The probability of the cluster in `predict_proba`.
        agreement : float64 array [n]
            The share of models whose own answer is the cluster.
        """
        check_is_fitted(self)
        n = X.shape[0] if hasattr(X, "shape") else len(X)
        given = None if labels is None else self._checked_clusters(labels, n)
        found: list[tuple[Tensor, Tensor, Tensor]] = []
        done = 0
        for proba in self._proba(X):
            mean = average(proba, self._alignment)
            chosen = mean.argmax(1) if given is None else given[done : done + len(mean)]
            confidence = mean.gather(1, chosen[:, None])[:, 0]
            agree = proba.argmax(-1) == self._alignment[:, chosen]
            found.append((chosen, confidence, agree.double().mean(0)))
            done += len(mean)
        clusters, confidences, agreements = (torch.cat(parts).numpy() for parts in zip(*found, strict=True))
        return clusters, confidences, agreements

    def _checked_clusters(self, labels: Any, n: int) -> Tensor:
        labels, k = np.asarray(labels), self._alignment.shape[1]
        if labels.shape != (n,):
            raise InputError(f"labels of shape {labels.shape} do not fit {n} rows: give one each")
        if labels.dtype.kind not in "iu" or (n and not 0 <= labels.min() <= labels.max() < k):
            raise InputError(f"labels must be clusters from 0 to {k - 1}, as integers, such as labels_")
        return torch.from_numpy(labels.astype(np.int64))

    @default_library_state()
    def disagreement(self, X: Any) -> np.ndarray:
        """Compute how much the models disagree on each row of X [n, d]: float64 array [n], in nats.

        H(mean_m p_m) - mean_m H(p_m), where H is the entropy and p_m are the models' aligned outputs. This is
        the mean KL divergence of a model from the average (McCallum and Nigam 1998); 0 if all models agree.
        """
        check_is_fitted(self)
        found = []
        for proba in self._proba(X):
            of_average = torch.special.entr(average(proba, self._alignment).double()).sum(-1)
            found.append((of_average - torch.special.entr(proba.double()).sum(-1).mean(0)).clamp(min=0))
        return torch.cat(found).numpy()

    @default_library_state()
    def last_hidden_layer(self, X: Any) -> np.ndarray:
        """Compute the first model's last hidden layer for the rows of X: float32 array [n, width]."""
        check_is_fitted(self)
        X = checked_data(self, X, reset=False)
        return self._fitted.features(X, choose_device(self.device)).numpy()

    def state_dict(self) -> dict[str, np.ndarray]:
        return {**super().state_dict(), "outputs": self._alignment.numpy(), **self._fitted.state_dict()}

    def load_state_dict(self, state: dict[str, np.ndarray], n_features: int) -> None:
        super().load_state_dict(state, n_features)
        self._alignment = torch.from_numpy(state["outputs"])
        self._set_models(FittedEnsemble.weights_of(state, self.n_models), n_features)

    def _set_models(self, weights: list[dict[str, Tensor]], n_features: int) -> None:
        bases = make_bases(self.base, self.n_models)
        self._fitted = FittedEnsemble(bases, weights, n_features, self.n_clusters, self.precision)

    def _set_answer(self, outputs: Outputs, supervision: Supervision) -> None:
        """Set the answer from the outputs for the training set; given labels are kept."""
        model_labels = outputs.predictions
        self._alignment = align(model_labels, self.n_clusters, supervision.classes)
        found = outputs.labels(self._alignment).numpy()
        self.labels_ = np.where(supervision.labels >= 0, supervision.labels, found)
        self.model_labels_ = model_labels.numpy()

    def _set_fitted(self, fit: EnsembleFit) -> None:
        """Store the history and the models of a finished fit."""
        self.history_ = fit.history
        self._fitted = fit.fitted()

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # Not a classifier, but scikit-learn's check of sparse input reads this tag if there is predict_proba.
        tags.classifier_tags = ClassifierTags(multi_class=self.n_clusters != 2)
        tags.transformer_tags = TransformerTags(preserves_dtype=[])  # outputs are float32
        return tags


@dataclass(eq=False, repr=False, kw_only=True)
class Single(Ensemble):
    """One model trained without labels: the paper's rows of Ladder-IM, Ladder-Dot, Deep RIM and IMSAT.

    This is an `Ensemble` of one model. See there for the parameters, without ``n_models`` and ``n_jobs``, and
    for the attributes.

    See Also
    --------
    Ensemble : Several models, averaged.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kingdra_repro.methods import Single
    >>> X = load_digits().data[:200] / 16
    >>> Single(n_clusters=10, epochs=1, random_state=0).fit_predict(X).shape
    (200,)
    """

    n_models: int = field(default=1, init=False)
    n_jobs: int | None = field(default=None, init=False)
