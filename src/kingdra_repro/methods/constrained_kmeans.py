"""Constrained K-means: K-means that starts from labelled points and keeps them in their clusters."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.metrics import pairwise_distances_argmin

from kingdra_repro.checks import Check, integer
from kingdra_repro.methods.given_labels import LabelledClusterer


@dataclass(eq=False, repr=False, kw_only=True)
class ConstrainedKMeans(LabelledClusterer):
    """K-means whose initial centres are the class means of the labelled points, which keep their cluster.

    This is "Constrained-KMeans" of Basu et al. (2002). It is deterministic.

    Parameters
    ----------
    n_clusters : int, default=8
        k, the number of classes.
    max_iter : int, default=300
        Maximum number of iterations, each of which assigns points and moves centres.

    Attributes
    ----------
    labels_ : int64 array [n]
        The cluster of each point; labelled points have their class.
    cluster_centers_ : float32 array [k, d]
    classes_ : int64 array [k], 0..k-1
    n_iter_ : int
        Number of iterations done.
    n_features_in_ : int

    See Also
    --------
    ConstrainedAutoencoder : The same idea with a learned code.

    References
    ----------
    Basu, Banerjee, Mooney (2002), Semi-supervised Clustering by Seeding, ICML.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kingdra_repro.methods import ConstrainedKMeans
    >>> X, y = load_digits(return_X_y=True)
    >>> y[100:] = -1  # the others are given no label
    >>> labels = ConstrainedKMeans(n_clusters=10).fit_predict(X / 16, y)
    """

    checks: ClassVar[dict[str, Check]] = {**LabelledClusterer.checks, "max_iter": integer(1)}

    max_iter: int = 300

    def _fit_validated(self, X: np.ndarray | sp.csr_matrix, y: np.ndarray) -> None:
        labelled = y >= 0
        self.cluster_centers_ = _means(X[labelled], y[labelled], self.n_clusters)
        self.labels_ = y
        for n_iter in range(1, self.max_iter + 1):
            self.n_iter_ = n_iter
            labels = np.where(labelled, y, self._classes_of(X))
            if np.array_equal(labels, self.labels_):
                break
            self.labels_ = labels
            self.cluster_centers_ = _means(X, labels, self.n_clusters)
        else:
            self.labels_ = np.where(labelled, y, self._classes_of(X))

    def _classes_of(self, X: np.ndarray | sp.csr_matrix) -> np.ndarray:  # the nearest centre
        return pairwise_distances_argmin(X, self.cluster_centers_).astype(np.int64)


def _means(X: np.ndarray | sp.csr_matrix, labels: np.ndarray, n_clusters: int) -> np.ndarray:
    """Return the mean of the rows of each label, float32 [n_clusters, d]; each label must have rows."""
    n = len(labels)
    member = sp.csr_matrix((np.ones(n, np.float32), (labels, np.arange(n))), shape=(n_clusters, n))
    total = member @ X
    total = total.toarray() if sp.issparse(total) else total
    return (total / np.bincount(labels, minlength=n_clusters)[:, None]).astype(np.float32)
