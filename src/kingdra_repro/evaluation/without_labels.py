"""Measures of a clustering that need no labels: how stable it is, and how well separated its clusters are."""

from itertools import combinations
from typing import Any, TypeVar

import numpy as np
import scipy.sparse as sp
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.utils import check_array

from kingdra_repro.methods.features import indexable_features, take_rows
from kingdra_repro.sampling import fixed_sample

SAMPLED = 2_000  # points in the sample; the time of a silhouette grows with the square of their number

# For each, larger is better, and None means that it does not apply to a method.
MEASURES = {
    "stability": "stability",
    "agreement": "agreement",
    "pseudo_labelled": "pseudo-labelled",
    "silhouette": "silhouette of features",
    "silhouette_outputs": "silhouette of outputs",
}
T = TypeVar("T", int, float)


def unsupervised_measures(
    method: Any, X: Any, first_votes: np.ndarray | None = None
) -> dict[str, float | None]:
    """Measure a clustering without any label of the data.

    Parameters
    ----------
    method : fitted estimator with ``labels_``, and optionally ``history_`` and ``predict_proba``
    X : array, table, sparse matrix or StreamedMatrix [n, d], the data that it was fitted on
    first_votes : int array [n_models, n] or None
        The models' own clusters after the first phase, before they learn from each other; None: no ensemble.

    Returns
    -------
    dict
        ``stability``: the mean adjusted Rand index over all pairs of models after the first phase. The models
        start with different random weights, batches and noise, so it shows what another seed would find.
        ``agreement``, ``pseudo_labelled``: in the phase of the answer, the mean share of models that give a
        point's most frequent answer, and the share of points that get a pseudo-label.
        ``silhouette``, ``silhouette_outputs``: the mean silhouette of the clusters in the features, and in
        the outputs (``predict_proba``).
        Each is at most 1, and None if it does not apply to the method or there is only one cluster. All but
        ``agreement`` and ``pseudo_labelled`` are computed on at most 2,000 points, which depend on n only.
    """
    X = indexable_features(X)
    n = X.shape[0]
    rows = fixed_sample(n, SAMPLED)
    labels, sample = method.labels_[rows], take_rows(X, rows)
    history_row = answer_history_row(method)
    n_pseudo_labels = history_value(history_row, "n_pseudo_labels", int)
    outputs = method.predict_proba(sample) if hasattr(method, "predict_proba") else None
    return {
        "stability": None if first_votes is None else _pairwise_rand(first_votes[:, rows]),
        "agreement": history_value(history_row, "agreement", float),
        "pseudo_labelled": None if n_pseudo_labels is None else n_pseudo_labels / n,
        "silhouette": _silhouette(check_array(sample, accept_sparse="csr", dtype=np.float32), labels),
        "silhouette_outputs": None if outputs is None else _silhouette(outputs, labels),
    }


def answer_history_row(method: Any) -> dict[str, Any]:
    """Return the history row of the phase that a method's answer is from: ``phase_`` or the last one."""
    history = getattr(method, "history_", None)
    return {} if history is None or history.empty else history.iloc[getattr(method, "phase_", -1)].to_dict()


def history_value(history_row: dict[str, Any], name: str, kind: type[T]) -> T | None:
    """Return a number from a row of the history; None if the row does not have it (missing or NaN)."""
    value = history_row.get(name)
    return None if value is None or value != value else kind(value)


def _pairwise_rand(votes: np.ndarray) -> float | None:
    """Return the mean adjusted Rand index over all pairs of votes [n_models, n]; None for one model."""
    found = [float(adjusted_rand_score(one, other)) for one, other in combinations(votes, 2)]
    return float(np.mean(found)) if found else None


def _silhouette(X: np.ndarray | sp.csr_matrix, labels: np.ndarray) -> float | None:
    if not 1 < len(np.unique(labels)) < len(labels):
        return None
    return float(silhouette_score(X, labels))
