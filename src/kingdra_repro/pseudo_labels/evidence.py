"""Evidence accumulation: joins the clusters of an ensemble to k, if the models have more than k each."""

import numpy as np
from sklearn.cluster import SpectralClustering

from kingdra_repro.data.links import Links

MIN_CELL = 0.01  # minimum size of a cell as a fraction of n / k; smaller ones are mostly errors of a model
MOST_CELLS = 2000  # the similarity matrix has the square of this number of entries
OWN_VOTE_WEIGHT = 10.0  # weight of a model's own answer on two clusters, as a number of linked pairs


def join_clusters(labels: np.ndarray, n_fine: int, n_clusters: int, links: Links | None = None) -> np.ndarray:
    """Assign the clusters of all models to k common groups by evidence accumulation.

    Points with the same cluster in every model form a cell. The similarity of two cells is the share of
    models that put them into one cluster. Spectral clustering, with the sizes of the cells as weights, makes
    k groups of cells, and each cluster of each model is assigned to the group that has most of its points.
    The cells of a mixed cluster fall into different groups if other models tell them apart.

    With linked pairs, a model's own answer on two of its clusters u and v, which is 1 if u = v and else 0, is
    weighed against the pairs with a point in each, of total weights must_uv and cannot_uv:

        s_uv = (a [u = v] + must_uv) / (a + must_uv + cannot_uv),    a = `OWN_VOTE_WEIGHT`

    Parameters
    ----------
    labels : int array [n_models, n], each model's clusters, 0..n_fine-1
    links : pairs of the points, or None

    Returns
    -------
    int64 array [n_models, n_fine], the group of each cluster of each model, 0..n_clusters-1; clusters without
    points, or without points in a cell that is large enough, are in group 0

    References
    ----------
    Fred, Jain (2005), Combining Multiple Clusterings Using Evidence Accumulation, IEEE TPAMI. There all
    points are compared, and joined by linkage.
    """
    cells, counts = np.unique(labels, axis=1, return_counts=True)
    largest = np.argsort(-counts, kind="stable")
    n_large = int((counts >= MIN_CELL * labels.shape[1] / n_clusters).sum())
    used = largest[: max(n_clusters, min(n_large, MOST_CELLS))]
    cells, counts = cells[:, used], counts[used]
    if len(counts) <= n_clusters:
        groups = np.arange(len(counts))
    else:
        alike = [_alike(model, n_fine, links) for model in labels]
        together = np.mean([s[of[:, None], of] for s, of in zip(alike, cells, strict=True)], axis=0)
        weights = np.sqrt(np.outer(counts, counts))
        spectral = SpectralClustering(
            n_clusters, affinity="precomputed", assign_labels="cluster_qr", random_state=0
        )
        # Cells that no model puts together get a tiny similarity, because the graph must be connected.
        groups = spectral.fit_predict(weights * np.maximum(together, 1e-9))
    points = np.zeros((len(labels), n_fine, n_clusters))
    for model, of_model in zip(points, cells, strict=True):
        np.add.at(model, (of_model, groups), counts)
    return points.argmax(-1)


def _alike(clusters: np.ndarray, n_fine: int, links: Links | None) -> np.ndarray:
    """Compute s_uv (see `join_clusters`) for the clusters [n] of a model: float64 [n_fine, n_fine], 0..1."""
    own = OWN_VOTE_WEIGHT * np.eye(n_fine)
    if links is None:
        return own / OWN_VOTE_WEIGHT
    must = _between(clusters, n_fine, links.must_link, links.must_weight)
    cannot = _between(clusters, n_fine, links.cannot_link, links.cannot_weight)
    return (own + must) / (OWN_VOTE_WEIGHT + must + cannot)


def _between(clusters: np.ndarray, n_fine: int, pairs: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Sum the weights of the pairs [m, 2] between every two clusters: float64 [n_fine, n_fine], symmetric."""
    found = np.zeros((n_fine, n_fine))
    one, other = clusters[pairs].T
    np.add.at(found, (one, other), weight)
    np.add.at(found, (other, one), weight * (one != other))
    return found
