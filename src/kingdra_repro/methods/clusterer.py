"""What all estimators share: how parameters and data are checked, and how a fit ends."""

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
from kingdra_repro.errors import InputError
from kingdra_repro.library_state import default_library_state
from kingdra_repro.methods.features import checked_data
from kingdra_repro.training.checkpoint import no_other_fit
from kingdra_repro.training.events import Monitor


@dataclass(eq=False, repr=False, kw_only=True)
class Clusterer(ClusterMixin, BaseEstimator, ABC):
    """An estimator in scikit-learn's manner: a dataclass of its parameters, and `_fit`, which says how.

    A subclass is a dataclass, too: it adds parameters, or gives others of their defaults.

    Parameters
    ----------
    n_clusters : int, default=8
        k, from 1 to the number of points.

    Attributes
    ----------
    checks : dict
        Of each parameter that is checked, what it must be; a subclass's holds those of its base.
    parts : dict
        Of each parameter that has parameters of its own where it is an instance, what makes one of a name.
    streams : bool
        Whether it takes a `kingdra_repro.data.StreamedMatrix`, which stays in its file.
    takes_labels : bool
        Whether ``fit`` reads the classes of some points, ``y`` with -1 where they are not known.
    """

    streams: ClassVar[bool] = False
    takes_labels: ClassVar[bool] = False
    checks: ClassVar[dict[str, Check]] = {"n_clusters": integer(1)}
    parts: ClassVar[dict[str, Callable[[Any], Any]]] = {}

    n_clusters: int = field(default=8, kw_only=False)

    @default_library_state()
    def fit(self, X: Any, y: Any = None) -> Self:
        """Cluster X: array or sparse matrix [n, d] of finite numbers, n >= n_clusters. ``y`` is ignored.

        Raises
        ------
        InputError
            (a ValueError) If a parameter is not valid; ValueError for NaN, infinities, wrong shapes.
        """
        with one_fit(self, X) as X:
            self._fit(X)
        return self

    def fit_predict(self, X: Any, y: Any = None, **pairs: Any) -> np.ndarray:
        """Cluster X as `fit` does, and give the cluster of each point: int64 array [n]."""
        return self.fit(X, y, **pairs).labels_

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name; deep: also those of bases and the like, such as ``base__w_mi``."""
        params = super().get_params(deep=False)
        parts = {name: value for name, value in params.items() if deep and is_part(value)}
        for name, part in parts.items():
            inner = (one.name for one in fields(part) if one.init)
            params |= {f"{name}__{one}": getattr(part, one) for one in inner}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name; ``base__w_mi=1.0`` replaces the base by one with another weight.

        Raises
        ------
        InputError
            (a ValueError) For the parameter of what has none of this name, as a base that is given by its
            name has; ValueError for a name that is no parameter.
        """
        inner: dict[str, dict[str, Any]] = {}
        ours = self.get_params(deep=False)
        for name in list(params):
            outer, within, own = name.partition("__")
            if within and outer in ours:
                inner.setdefault(outer, {})[own] = params.pop(name)
        super().set_params(**params)
        for outer, values in inner.items():
            part: Any = self.get_params(deep=False).get(outer)
            known = [one.name for one in fields(part) if one.init] if is_part(part) else []
            if unknown := [name for name in values if name not in known]:
                remedy = f"it has {', '.join(known)}" if known else self._part_instead(outer, part)
                raise InputError(f"{outer}__{unknown[0]} is not a parameter of {outer}={part!r}: {remedy}")
            setattr(self, outer, replace(part, **values))
        return self

    def _part_instead(self, name: str, value: Any) -> str:
        """Say what a parameter is to be set to, so that it has parameters of its own."""
        if name not in self.parts:
            return "it has none, leave it out"
        if isinstance(value, list | tuple):
            return f"set {name} to a list of other instances"
        default = next(one.default for one in fields(self) if one.name == name)
        example = self.parts[name](value if isinstance(value, str) else default)
        return f"give an instance, such as {type(example).__name__}()"

    @property
    def is_ensemble(self) -> bool:
        """Whether several models answer, which may disagree."""
        return False

    def _fit(self, X: np.ndarray | sp.csr_matrix) -> None:
        """Cluster checked data, and set ``labels_`` and what prediction uses; unless `fit` is overridden."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, np.ndarray]:
        """All numbers that were fitted, by name: attributes such as ``labels_``, and what `predict` uses.

        A subclass that predicts by anything but its attributes adds that here and in `load_state_dict`.
        """
        check_is_fitted(self)
        return {
            name: value
            for name, value in vars(self).items()
            if _is_fitted(name) and isinstance(value, np.ndarray) and value.dtype.kind in "iuf"
        }

    def load_state_dict(self, state: dict[str, np.ndarray], n_features: int) -> None:
        """Become the fitted estimator with these parameters whose `state_dict` this is.

        Parameters
        ----------
        state : dict from name to array
        n_features : int, d

        Raises
        ------
        KeyError, RuntimeError
            Where it is the state of another estimator.
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
    """A clusterer that trains networks, on a device, for long: it may be watched, killed and taken up again.

    Parameters
    ----------
    device : str, default="auto"
        A torch device; "auto" is a GPU where there is one.
    random_state : int, RandomState or None, default=None
    checkpoint_dir : path or None
        Where the state is kept, so that a fit that was killed goes on when it is called again with the same
        settings and data.
    monitor : object with methods ``progress`` and ``iteration``, or None
        See `kingdra_repro.methods.Monitor`.
    verbose : int, default=0
        1: the progress and the time left are shown on standard error.
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


def is_part(value: Any) -> bool:
    """Whether a parameter has parameters of its own, as a base or a way of pseudo-labelling has."""
    return is_dataclass(value) and not isinstance(value, type)


def _is_fitted(name: str) -> bool:
    """Whether it is the name of an attribute that a fit sets, as scikit-learn has these."""
    return name.endswith("_") and not name.startswith("_")


class EmptyClusterWarning(ConvergenceWarning):
    """Fewer clusters were found than were looked for."""


@contextmanager
def one_fit(estimator: Any, X: Any) -> Iterator[Any]:
    """Check parameters and data for a fit within, which gets what `checked_data` makes of X.

    Where the fit fails, the estimator is left unfitted: it would else be a mixture of itself and the fit
    before. What others have put there stays, such as what a pipeline notes while it fits its steps. No other
    fit has its ``checkpoint_dir`` meanwhile. Clusters that were not found are warned of.
    """
    before = set(vars(estimator))
    try:
        with no_other_fit(getattr(estimator, "checkpoint_dir", None)):
            check_parameters(estimator, estimator.checks)
            yield checked_data(estimator, X, reset=True)
    except BaseException:
        for name in list(vars(estimator)):
            if name not in before or _is_fitted(name):
                delattr(estimator, name)
        raise
    found = len(np.unique(estimator.labels_))
    if found < estimator.n_clusters and isinstance(estimator, TrainedClusterer):  # scikit-learn's own warn
        warnings.warn(
            f"{type(estimator).__name__} found {found} clusters, and no points for the others of "
            f"n_clusters={estimator.n_clusters}: look for fewer, or train longer",
            EmptyClusterWarning,
            stacklevel=5,  # the line that calls fit
        )
