"""K-means on the features as they are."""

from typing import Any, Self

import numpy as np
import sklearn.cluster
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from kingdra_repro.methods.parameters import check_seed, check_whole, checked_data, undone_if_it_fails


class KMeans(ClusterMixin, BaseEstimator):
    """scikit-learn's K-means, with the face of the other methods: the paper's row "K-means".

    Parameters
    ----------
    n_clusters : int, default=8
    n_init : int, default=10
        Restarts; the one of least inertia is the answer.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    labels_ : int64 array [n]
    cluster_centers_ : float32 array [n_clusters, d]
    n_features_in_ : int
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        n_init: int = 10,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_init = n_init
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Cluster X: array or sparse matrix [n, d] of finite numbers, n >= n_clusters. ``y`` is ignored.

        Raises
        ------
        InputError
            (a ValueError) If a parameter has no meaning; ValueError for NaN, infinities, wrong shapes.
        """
        with undone_if_it_fails(self):
            check_whole(self, {"n_clusters": 1, "n_init": 1})
            check_seed(self)
            X = checked_data(self, X, reset=True)
            kmeans = sklearn.cluster.KMeans(
                self.n_clusters, n_init=self.n_init, random_state=self.random_state
            )
            self._kmeans = kmeans.fit(X)
            self.cluster_centers_ = kmeans.cluster_centers_
            self.labels_ = kmeans.labels_.astype(np.int64)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The nearest centre of each row of X: int64 array [n]."""
        check_is_fitted(self)
        return self._kmeans.predict(checked_data(self, X, reset=False)).astype(np.int64)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
