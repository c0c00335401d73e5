"""A score of a fitted ensemble that needs no labels."""

from typing import Any, Protocol

import numpy as np
from scipy.special import entr


class WithProba(Protocol):
    """An estimator with ``predict_proba``."""

    def predict_proba(self, X: Any) -> np.ndarray: ...


def information_score(estimator: WithProba, X: Any, y: Any = None) -> float:
    """Compute the mutual information of points and clusters: a scorer for scikit-learn's searches.

    The score is H(mean output) - mean H(output) over the rows of X, divided by log k (Bridle et al. 1992;
    Krause et al. 2010; the paper's Eq. 9 with mu = 1). The outputs of an ensemble are the mean over its
    models, so the score is high if the models are confident, agree with one another, and fill the clusters
    evenly. A search with ``scoring=information_score`` scores points that were not used in the fit.

    The score does not tell whether the clusters are those that a user has in mind. It ranks uneven clusters
    lower, and it favours settings that make outputs sharper, such as a larger ``w_mi``. Compare only settings
    of the same objective.

    Parameters
    ----------
    estimator : fitted estimator with ``predict_proba``
    X : array or sparse matrix [n, d]
    y : ignored

    Returns
    -------
    float in 0..1; 0 if there is only one cluster

    References
    ----------
    Bridle, Heading, MacKay (1992), Unsupervised Classifiers, Mutual Information and Phantom Targets, NeurIPS.
    Krause, Perona, Gomes (2010), Discriminative Clustering by Regularized Information Maximization, NeurIPS.

    Examples
    --------
    >>> class Sure:
    ...     def predict_proba(self, X):
    ...         return np.eye(2)[X]
    >>> information_score(Sure(), [0, 0, 1, 1])
    1.0
    """
    proba = np.asarray(estimator.predict_proba(X), dtype=np.float64)
    if proba.shape[1] < 2:
        return 0.0
    information = entr(proba.mean(0)).sum() - entr(proba).sum(-1).mean()
    return float(np.clip(information / np.log(proba.shape[1]), 0, 1))
