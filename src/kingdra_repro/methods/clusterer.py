"""Base classes of all estimators: parameters, validation, fitted state, and the context of a fit."""

import logging
import warnings
from abc import ABC
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from kingdra_repro.checks import Check, check_parameters, integer, level, optional, path, seed
from kingdra_repro.data.streamed import Matrix, StreamedMatrix, is_sparse
from kingdra_repro.data.validation import warn_of_scale, warn_of_small_values
from kingdra_repro.errors import InputError
from kingdra_repro.library_state import default_library_state
from kingdra_repro.methods.features import checked_data
from kingdra_repro.training.checkpoint import checkpoint_lock
from kingdra_repro.training.events import Monitor

log = logging.getLogger(__name__)

WARN_ABOVE_N_COLUMNS = 20_000  # of a sparse X; 100,000 rows of 50,000 columns take an hour per epoch


@dataclass(eq=False, repr=False, kw_only=True)
class Clusterer(ClusterMixin, BaseEstimator, ABC):
    """Base class of estimators with scikit-learn's interface: a dataclass whose fields are the parameters.

    Subclasses are dataclasses, too. They add parameters or change defaults, and implement `_fit`.

    Parameters
    ----------
    n_clusters : int, default=8
        k, the number of clusters, from 1 to the number of points.

    Attributes
    ----------
    checks : dict
        The check of each parameter that is validated; those of a subclass include those of its base.
    nested_factories : dict
        For each parameter that can be an instance with parameters of its own, the function that makes an
        instance from a name.
    streams : bool
        Whether ``fit`` takes a `kingdra_repro.data.StreamedMatrix`, which is read from its file on demand.
    takes_labels : bool
        Whether ``fit`` uses partial labels: ``y`` with the classes of some points and -1 for all others.
    """

    streams: ClassVar[bool] = False
    takes_labels: ClassVar[bool] = False
    checks: ClassVar[dict[str, Check]] = {"n_clusters": integer(1)}
    nested_factories: ClassVar[dict[str, Callable[[Any], Any]]] = {}

    n_clusters: int = field(default=8, kw_only=False)

    @default_library_state()
    def fit(self, X: Any, y: Any = None) -> Self:
        """Cluster X, an array or sparse matrix [n, d] of finite numbers with n >= n_clusters; ignore ``y``.

        Raises
        ------
        InputError
            (a ValueError) If a parameter is invalid. ValueError for NaN, infinities and wrong shapes.
        """
        with fit_context(self, X) as X:
            self._fit(X)
        return self

    def fit_predict(self, X: Any, y: Any = None, **pairs: Any) -> np.ndarray:
        """Cluster X as `fit` does, and return the cluster of each point: int64 array [n]."""
        return self.fit(X, y, **pairs).labels_

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name; if ``deep``, also nested ones such as ``base__w_mi``."""
        params = super().get_params(deep=False)
        nested = {name: value for name, value in params.items() if deep and has_nested_parameters(value)}
        for name, value in nested.items():
            inner = (one.name for one in fields(value) if one.init)
            params |= {f"{name}__{one}": getattr(value, one) for one in inner}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name; ``base__w_mi=1.0`` replaces the base by a copy with another weight.

        Raises
        ------
        InputError
            (a ValueError) If a nested parameter does not exist, for example because the base is a name and
            not an instance. ValueError if the estimator has no such parameter.
        """
        inner: dict[str, dict[str, Any]] = {}
        ours = self.get_params(deep=False)
        for name in list(params):
            outer, within, own = name.partition("__")
            if within and outer in ours:
                inner.setdefault(outer, {})[own] = params.pop(name)
        super().set_params(**params)
        for outer, values in inner.items():
            nested: Any = self.get_params(deep=False).get(outer)
            known = [one.name for one in fields(nested) if one.init] if has_nested_parameters(nested) else []
            if unknown := [name for name in values if name not in known]:
                remedy = f"it has {', '.join(known)}" if known else self._nested_parameter_hint(outer, nested)
                raise InputError(f"{outer}__{unknown[0]} is not a parameter of {outer}={nested!r}: {remedy}")
            setattr(self, outer, replace(nested, **values))
        return self

    def _nested_parameter_hint(self, name: str, value: Any) -> str:
        """Return advice, for an error message, on giving a parameter a value that has nested parameters."""
        if name not in self.nested_factories:
            return "it has none, leave it out"
        if isinstance(value, list | tuple):
            return f"set {name} to a list of other instances"
        default = next(one.default for one in fields(self) if one.name == name)
        example = self.nested_factories[name](value if isinstance(value, str) else default)
        return f"give an instance, such as {type(example).__name__}()"

    @property
    def is_ensemble(self) -> bool:
        """Whether the answer comes from several models, which may disagree."""
        return False

    def _fit(self, X: np.ndarray | sp.csr_matrix) -> None:
        """Cluster validated data; set ``labels_`` and what prediction uses. Unused if `fit` is overridden."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return all fitted arrays by name: attributes such as ``labels_``, and what `predict` uses.

        A subclass whose prediction uses more than its attributes adds it here and in `load_state_dict`.
        """
        check_is_fitted(self)
        return {
            name: value
            for name, value in vars(self).items()
            if _is_fitted(name) and isinstance(value, np.ndarray) and value.dtype.kind in "iuf"
        }

    def load_state_dict(self, state: dict[str, np.ndarray], n_features: int) -> None:
        """Load what `state_dict` of a fitted estimator with the same parameters returned.

        Parameters
        ----------
        state : dict from name to array
        n_features : int
            d, the number of features that the estimator was fitted on.

        Raises
        ------
        KeyError, RuntimeError
            If the state belongs to another estimator.
        """
        self.n_features_in_ = n_features
        for name, value in state.items():
            if _is_fitted(name):
                setattr(self, name, value)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@dataclass(eq=False, repr=False, kw_only=True)
class TrainedClusterer(Clusterer):
    """Base class of estimators that train networks on a device: a fit can be monitored and resumed.

    Parameters
    ----------
    device : str, default="auto"
        A torch device; "auto" selects a GPU if there is one.
    random_state : int, RandomState or None, default=None
        Seed of all random numbers.
    checkpoint_dir : path or None, default=None
        Folder for checkpoints. An interrupted fit resumes if it is called again with the same settings and
        data.
    monitor : object with methods ``progress`` and ``iteration``, or None, default=None
        Notified of the progress of the fit; see `kingdra_repro.methods.Monitor`.
    verbose : int, default=0
        If 1, the progress and the time left are shown on standard error.
    """

    checks: ClassVar[dict[str, Check]] = {
        **Clusterer.checks,
        "random_state": seed,
        "checkpoint_dir": optional(path),
        "verbose": level,
    }

    device: str = "auto"
    random_state: int | np.random.RandomState | None = None
    checkpoint_dir: str | Path | None = None
    monitor: Monitor | None = None
    verbose: int = 0


def has_nested_parameters(value: Any) -> bool:
    """Whether the value of a parameter has parameters of its own, such as a base or a pseudo-labeller."""
    return is_dataclass(value) and not isinstance(value, type)


def _is_fitted(name: str) -> bool:
    """Whether a name is that of a fitted attribute by scikit-learn's convention."""
    return name.endswith("_") and not name.startswith("_")


def _warn_of_unsuitable(X: Matrix) -> None:
    """Warn of data that are far from what the networks expect, or slow to train on."""
    if not isinstance(X, StreamedMatrix):  # which warns when it is opened
        warn_of_scale(X)
        warn_of_small_values(X)
    if is_sparse(X) and X.shape[1] > WARN_ABOVE_N_COLUMNS:
        log.warning(
            "Each batch of these %s columns is made dense, which makes an epoch long: fewer columns take "
            "less, such as from scikit-learn's TruncatedSVD or FeatureHasher",
            f"{X.shape[1]:,}",
        )


class EmptyClusterWarning(ConvergenceWarning):
    """Warning that a fit found fewer clusters than ``n_clusters``."""


@contextmanager
def fit_context(estimator: Any, X: Any) -> Iterator[Any]:
    """Run a fit as a context: validate parameters and data, and yield X as `checked_data` returns it.

    If the fit fails, the estimator is left unfitted; otherwise it would mix attributes of this fit and the
    previous one. Attributes that others have set before stay, such as those that a pipeline sets while it
    fits its steps. ``checkpoint_dir`` is locked against other fits in the meantime. A `TrainedClusterer` with
    empty clusters issues `EmptyClusterWarning` at the end.
    """
    before = set(vars(estimator))
    try:
        with checkpoint_lock(getattr(estimator, "checkpoint_dir", None)):
            check_parameters(estimator, estimator.checks)
            checked = checked_data(estimator, X, reset=True)
            if isinstance(estimator, TrainedClusterer):  # here, since a fit may train several ensembles
                _warn_of_unsuitable(checked)
            yield checked
    except BaseException:
        for name in list(vars(estimator)):
            if name not in before or _is_fitted(name):
                delattr(estimator, name)
        raise
    found = len(np.unique(estimator.labels_))
    if found < estimator.n_clusters and isinstance(estimator, TrainedClusterer):  # scikit-learn warns itself
        warnings.warn(
            f"{type(estimator).__name__} found {found} clusters, and no points for the others of "
            f"n_clusters={estimator.n_clusters}: look for fewer, or train longer",
            EmptyClusterWarning,
            stacklevel=5,  # the line that calls fit
        )
