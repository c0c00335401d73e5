"""K-means on the features themselves."""

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
import sklearn.cluster
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from kingdra_repro.checks import Check, integer, seed
from kingdra_repro.library_state import default_library_state
from kingdra_repro.methods.clusterer import Clusterer
from kingdra_repro.methods.features import checked_data


@dataclass(eq=False, repr=False, kw_only=True)
class KMeans(Clusterer):
    """scikit-learn's K-means, with the interface of the other methods: the paper's row "K-means".

    Parameters
    ----------
    n_clusters : int, default=8
        k, the number of clusters, from 1 to the number of points.
    n_init : int, default=10
        Restarts of K-means; the one with the lowest inertia is the answer.
    random_state : int, RandomState or None, default=None
        Seed of all random numbers.

    Attributes
    ----------
    labels_ : int64 array [n]
    cluster_centers_ : float32 array [n_clusters, d]
    n_features_in_ : int

    See Also
    --------
    Agglomerative : Ward's hierarchical clustering.
    Kingdra : An ensemble that is trained on what its own models agree on.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kingdra_repro.methods import KMeans
    >>> X = load_digits().data / 16
    >>> KMeans(n_clusters=10, random_state=0).fit_predict(X).shape
    (1797,)
    """

    checks: ClassVar[dict[str, Check]] = {**Clusterer.checks, "n_init": integer(1), "random_state": seed}

    n_init: int = 10
    random_state: int | np.random.RandomState | None = None

    def _fit(self, X: np.ndarray | sp.csr_matrix) -> None:
        kmeans = sklearn.cluster.KMeans(self.n_clusters, n_init=self.n_init, random_state=self.random_state)
        self._kmeans = kmeans.fit(X)
        self.cluster_centers_ = kmeans.cluster_centers_
        self.labels_ = kmeans.labels_.astype(np.int64)

    def load_state_dict(self, state: dict[str, np.ndarray], n_features: int) -> None:
        super().load_state_dict(state, n_features)
        self._kmeans = kmeans_from_centres(self.cluster_centers_)

    @default_library_state()
    def predict(self, X: Any) -> np.ndarray:
        """Predict the nearest centre of each row of X: int64 array [n]."""
        check_is_fitted(self)
        return self._kmeans.predict(checked_data(self, X, reset=False)).astype(np.int64)


def kmeans_from_centres(centres: np.ndarray) -> sklearn.cluster.KMeans:
    """Return a fitted scikit-learn K-means with these centres [k, d]."""
    kmeans = sklearn.cluster.KMeans(len(centres), init=centres, n_init=1, max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # centres may coincide
        kmeans.fit(centres)
    kmeans.cluster_centers_ = centres  # bit for bit; the fit has rounded them
    return kmeans
