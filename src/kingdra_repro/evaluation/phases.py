"""Scores of one phase of a run against the classes, for its row of history.csv."""

import numpy as np

from kingdra_repro.evaluation.metrics import Measure, accuracy_with, clustering_accuracy, nmi, purity, scores


def phase_scores(
    y: np.ndarray,
    labels: np.ndarray,
    model_labels: np.ndarray | None,
    pseudo_labels: np.ndarray | None,
    given: np.ndarray | None = None,
) -> dict[str, float | None]:
    """Score the answer, the single models of an ensemble, and the pseudo-labels.

    Parameters
    ----------
    y : int64 array [n], the classes
    labels : int64 array [n], the clusters
    model_labels : integer array [n_models, n], each model's clusters, or None if there is no ensemble
    pseudo_labels : int64 array [n] with -1 for none, or None if the method makes none
    given : int64 array [n], the labels that the method was given, or None; see `scores`

    Returns
    -------
    dict
        ``acc``, ``nmi``, ``ari`` of `labels`. ``model_acc_mean``, ``_std``, ``_min``, ``_max`` of the single
        models' accuracies; the standard deviation is that of the population (divided by the number of
        models). ``pseudo_label_acc``, the fraction of the pseudo-labelled points that is right if
        mini-clusters are matched one-to-one to classes (None if there are no such points). If labels were
        given, also ``purity``, and ``nmi_given`` and ``purity_given`` of the points with given labels, which
        are 1 if the answer keeps these labels, as an ensemble's does.
    """
    row = scores(y, labels, given)
    accuracy: Measure = clustering_accuracy
    if given is None:
        del row["purity"]
    else:
        known, hidden = given >= 0, given < 0
        row["nmi_given"] = nmi(y[known], labels[known])
        row["purity_given"] = purity(y[known], labels[known])
        accuracy = accuracy_with(given, y)
        y = y[hidden]
        model_labels = None if model_labels is None else model_labels[:, hidden]
        pseudo_labels = None if pseudo_labels is None else pseudo_labels[hidden]
    if model_labels is not None:
        models = [accuracy(y, one) for one in model_labels]
        row |= {
            "model_acc_mean": float(np.mean(models)),
            "model_acc_std": float(np.std(models)),
            "model_acc_min": min(models),
            "model_acc_max": max(models),
        }
    if pseudo_labels is not None:
        labelled = pseudo_labels >= 0
        row["pseudo_label_acc"] = (
            clustering_accuracy(y[labelled], pseudo_labels[labelled]) if labelled.any() else None
        )
    return row
