"""Agreement of clusters with classes: ACC, NMI, ARI, purity.

Methods never read the classes of the data, except for the labels that they are given.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix

from kingdra_repro.errors import InputError

Measure = Callable[[ArrayLike, ArrayLike], float]  # takes classes and clusters


def _label_vectors(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return both as vectors [n]; raise InputError if their shapes are invalid or a label is missing."""
    vectors = []
    for name, given in (("y_true", y_true), ("y_pred", y_pred)):
        # As object, because NumPy would turn the NaN in a list of strings into the string "nan".
        labels = np.asanyarray(given, dtype=None if hasattr(given, "dtype") else object)
        if labels.ndim == 1:
            missing = np.flatnonzero(np.ma.getmaskarray(labels) | pd.isna(np.ma.getdata(labels)))
            if len(missing):
                raise InputError(
                    f"{name} has no label for point {missing[0]} (counted from 0; "
                    "NaN and None count as missing): leave such points out of both"
                )
        vectors.append(np.ma.getdata(labels))
    true, pred = vectors
    if true.ndim != 1 or true.shape != pred.shape:
        raise InputError(
            f"y_true and y_pred must be vectors of equal length; got shapes {true.shape} and {pred.shape}"
        )
    if len(true) == 0:
        raise InputError("y_true and y_pred must have at least one point; got none")
    return true, pred


def _numbered(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return both as int64 [n]: the index of each label among the sorted distinct labels of its vector."""
    codes = []
    for labels in _label_vectors(y_true, y_pred):
        try:
            codes.append(pd.factorize(labels, sort=True)[0])
        except TypeError as error:
            raise InputError(f"labels must be words or numbers; got others ({error})") from error
    return codes[0], codes[1]


def _contingency(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Count the points of the classes and clusters that occur: int64 [n_classes, n_clusters]."""
    return contingency_matrix(*_numbered(y_true, y_pred))


def matched_classes(y_true: ArrayLike, y_pred: ArrayLike) -> dict[int, int]:
    """Return the class of each cluster in the best one-to-one match (Hungarian algorithm).

    Parameters
    ----------
    y_true, y_pred : int arrays [n]

    Returns
    -------
    dict from cluster to class; left out are clusters beyond the number of classes, and clusters without a
    point of the class that they are matched to
    """
    table = _contingency(y_true, y_pred)
    classes, clusters = np.unique(y_true), np.unique(y_pred)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return {int(clusters[c]): int(classes[r]) for r, c in zip(rows, columns, strict=True) if table[r, c]}


def clustering_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Compute ACC: the fraction of points that the best one-to-one match of clusters and classes gets right.

    Parameters
    ----------
    y_true : array [n]
        Classes, as strings or numbers.
    y_pred : array [n]
        Clusters; their names do not matter. There may be more or fewer of them than classes: surplus clusters
        or classes are not matched, and their points count as wrong. -1 is a name like any other: leave out
        points without a cluster, such as those with -1 from `mini_clusters`.

    Returns
    -------
    float in 0..1

    Raises
    ------
    InputError
        If the two are not label vectors of equal length, are empty, or have a missing label (NaN, None).

    Examples
    --------
    >>> clustering_accuracy([0, 0, 1, 1], [7, 7, 3, 7])
    0.75

    References
    ----------
    Kingdra (ICLR 2020), section 5.2; H. W. Kuhn, "The Hungarian method for the assignment problem" (1955).
    """
    table = _contingency(y_true, y_pred)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum() / table.sum())


def purity(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Compute the fraction of points that belong to the most frequent class of their cluster, 0..1.

    Unlike for ACC, several clusters may stand for one class, so splitting a cluster never lowers the purity.
    """
    table = _contingency(y_true, y_pred)
    return float(table.max(axis=0).sum() / table.sum())


def nmi(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Compute the mutual information of clusters and classes over the mean of their entropies, 0..1."""
    return float(normalized_mutual_info_score(*_numbered(y_true, y_pred)))


def ari(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Compute the adjusted Rand index: 1 for equal partitions, about 0 for unrelated ones, at least -0.5."""
    return float(adjusted_rand_score(*_numbered(y_true, y_pred)))


def classification_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Compute 1 - the classification error: the fraction of correctly predicted classes, without matching."""
    true, pred = _label_vectors(y_true, y_pred)
    return float(np.mean(true == pred))


def accuracy_with(given: np.ndarray, y_true: np.ndarray) -> Measure:
    """Return the accuracy function that suits a method that was given these labels.

    This is the classification accuracy if every class has a given label, because clusters are then classes.
    Otherwise it is the clustering accuracy: the cluster of a class without labels has an arbitrary number.
    """
    every_class = np.isin(y_true, given).all()
    return classification_accuracy if every_class else clustering_accuracy


def scores(
    y_true: ArrayLike | None, y_pred: ArrayLike, given: np.ndarray | None = None
) -> dict[str, float | None]:
    """Compute ``acc``, ``nmi``, ``ari`` and ``purity``; all are None if the classes are not known.

    Parameters
    ----------
    y_true, y_pred : int arrays [n]
    given : int64 array [n] or None
        The labels that a semi-supervised method was given, -1 for none. The scores are then those of the
        points without a given label, and ``acc`` is the function that `accuracy_with` chooses.
    """
    measures: dict[str, Measure] = {
        "acc": clustering_accuracy,
        "nmi": nmi,
        "ari": ari,
        "purity": purity,
    }
    if y_true is not None and given is not None:
        measures["acc"] = accuracy_with(given, np.asarray(y_true))
        hidden = given < 0
        y_true, y_pred = np.asarray(y_true)[hidden], np.asarray(y_pred)[hidden]
    return {name: None if y_true is None else measure(y_true, y_pred) for name, measure in measures.items()}
