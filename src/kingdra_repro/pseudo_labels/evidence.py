"""An ensemble's clusters that are too fine, joined to k by which of them the models put together."""

import numpy as np
from sklearn.cluster import SpectralClustering

from kingdra_repro.data.links import Links

MIN_CELL = 0.01  # of n / k points: rarer answers are where models err
MOST_CELLS = 2000  # the matrix has the square of this
ANSWER = 10.0  # linked pairs that a model's own answer on two clusters counts as


def join_clusters(labels: np.ndarray, n_fine: int, n_clusters: int, links: Links | None = None) -> np.ndarray:
    """Evidence accumulation: k groups for the clusters of every model, from all models' clusters together.

    Points that all models answer alike make a cell. Two cells are as similar as the share of models that put
    them into one cluster. Spectral clustering, with the cells' sizes as weights, makes k groups of the cells,
    and each cluster of each model goes with the group that most of its points are in. The cells of a cluster
    that is a mixture are in different groups where other models tell them apart.

    With linked pairs, what a model says of two of its clusters u and v (1 where they are one, else 0) is
    weighed against the pairs that have a point in each:

        s_uv = (a [u = v] + must_uv) / (a + must_uv + cannot_uv),    a = `ANSWER`

    Parameters
    ----------
    labels : int array [n_models, n], each model's clusters from 0 to n_fine - 1
    links : pairs of the points, or None

    Returns
    -------
    int64 array [n_models, n_fine], the group of each model's clusters, from 0 to n_clusters - 1; those
    without points, or with none in a cell that is large enough, are in group 0

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
        # Cells that no model puts together are all but apart: the graph must be connected.
        groups = spectral.fit_predict(weights * np.maximum(together, 1e-9))
    points = np.zeros((len(labels), n_fine, n_clusters))
    for model, of_model in zip(points, cells, strict=True):
        np.add.at(model, (of_model, groups), counts)
    return points.argmax(-1)


def _alike(clusters: np.ndarray, n_fine: int, links: Links | None) -> np.ndarray:
    """How surely two clusters of a model [n] belong together: float64 [n_fine, n_fine], from 0 to 1."""
    own = ANSWER * np.eye(n_fine)
    if links is None:
        return own / ANSWER
    must = _between(clusters, n_fine, links.must_link, links.must_weight)
    cannot = _between(clusters, n_fine, links.cannot_link, links.cannot_weight)
    return (own + must) / (ANSWER + must + cannot)


def _between(clusters: np.ndarray, n_fine: int, pairs: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Sum the weights of the pairs [m, 2] between each two clusters: float64 [n_fine, n_fine]."""
    found = np.zeros((n_fine, n_fine))
    one, other = clusters[pairs].T
    np.add.at(found, (one, other), weight)
    np.add.at(found, (other, one), weight * (one != other))
    return found
