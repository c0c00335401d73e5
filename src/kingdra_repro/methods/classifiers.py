"""scikit-learn classifiers trained on the labelled points alone: baselines for methods that use labels."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
import sklearn.linear_model
from sklearn.neighbors import KNeighborsClassifier

from kingdra_repro.checks import Check, integer
from kingdra_repro.methods.given_labels import LabelledClusterer


@dataclass(eq=False, repr=False, kw_only=True)
class NearestLabelled(LabelledClusterer):
    """A classifier by the nearest labelled point (scikit-learn's KNeighborsClassifier with one neighbour).

    Parameters
    ----------
    n_clusters : int, default=8
        k, the number of classes.

    Attributes
    ----------
    labels_ : int64 array [n]
        The class of each point; labelled points keep theirs.
    points_ : float32 array [m, d], the labelled points
    point_classes_ : int64 array [m], their classes
    classes_ : int64 array [k], 0..k-1
    n_features_in_ : int

    See Also
    --------
    LogisticRegression : A linear classifier trained on the same points.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kingdra_repro.methods import NearestLabelled
    >>> X, y = load_digits(return_X_y=True)
    >>> y[100:] = -1  # the others are given no label
    >>> labels = NearestLabelled(n_clusters=10).fit_predict(X / 16, y)
    """

    def _fit_validated(self, X: np.ndarray | sp.csr_matrix, y: np.ndarray) -> None:
        known = y >= 0
        self.points_ = X[known].toarray() if sp.issparse(X) else X[known]
        self.point_classes_ = y[known]
        self.labels_ = np.where(known, y, self._classes_of(X))

    def _classes_of(self, X: np.ndarray | sp.csr_matrix) -> np.ndarray:
        nearest = KNeighborsClassifier(1, algorithm="brute").fit(self.points_, self.point_classes_)
        return nearest.predict(X)


@dataclass(eq=False, repr=False, kw_only=True)
class LogisticRegression(LabelledClusterer):
    """scikit-learn's logistic regression, trained on the labelled points.

    Parameters
    ----------
    n_clusters : int, default=8
        k, the number of classes, at least 2.
    max_iter : int, default=1000
        Maximum number of solver iterations.

    Attributes
    ----------
    labels_ : int64 array [n]
        The class of each point; labelled points keep theirs.
    coef_, intercept_ : arrays [k, d] and [k]; for two classes [1, d] and [1], as in scikit-learn
    classes_ : int64 array [k], 0..k-1
    n_features_in_ : int

    See Also
    --------
    NearestLabelled : The class of the nearest labelled point.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kingdra_repro.methods import LogisticRegression
    >>> X, y = load_digits(return_X_y=True)
    >>> y[100:] = -1  # the others are given no label
    >>> labels = LogisticRegression(n_clusters=10).fit_predict(X / 16, y)
    """

    checks: ClassVar[dict[str, Check]] = {
        **LabelledClusterer.checks,
        "n_clusters": integer(2),
        "max_iter": integer(1),
    }

    max_iter: int = 1000

    def _fit_validated(self, X: np.ndarray | sp.csr_matrix, y: np.ndarray) -> None:
        known = y >= 0
        model = sklearn.linear_model.LogisticRegression(max_iter=self.max_iter).fit(X[known], y[known])
        self.coef_, self.intercept_ = model.coef_, model.intercept_
        self.labels_ = np.where(known, y, self._classes_of(X))

    def _classes_of(self, X: np.ndarray | sp.csr_matrix) -> np.ndarray:
        scores = X @ self.coef_.T + self.intercept_
        return (scores[:, 0] > 0).astype(np.int64) if scores.shape[1] == 1 else scores.argmax(1)
