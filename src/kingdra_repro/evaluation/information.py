"""Scores of a fitted ensemble that no labels are needed for."""

from typing import Any, Protocol

import numpy as np
from scipy.special import entr


class WithProba(Protocol):
    """An estimator that tells how likely each cluster is."""

    def predict_proba(self, X: Any) -> np.ndarray: ...


def information_score(estimator: WithProba, X: Any, y: Any = None) -> float:
    """Score the mutual information of points and clusters: a scorer for scikit-learn's searches.

    H(mean output) - mean H(output) over the rows of X, divided by log k (Bridle et al. 1992; Krause et al.
    2010; the paper's Eq. 9 with mu = 1). The outputs of an ensemble are the mean over its models: it is high
    where the models are sure, agree with one another, and fill the clusters evenly. With ``scoring=
    information_score`` a search scores points that were not fitted.

    It does not tell whether clusters are those that somebody has in mind, it takes uneven clusters for worse
    ones, and settings that make outputs sharper, such as a larger ``w_mi``, win by it. Compare settings of
    the same objective.

    Parameters
    ----------
    estimator : fitted, with ``predict_proba``
    X : array or sparse matrix [n, d]
    y : not read

    Returns
    -------
    float in 0..1; 0 where there is one cluster

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
