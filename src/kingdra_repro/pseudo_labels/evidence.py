"""An ensemble's clusters that are too fine, joined to k by which of them the models put together."""

import numpy as np
from sklearn.cluster import SpectralClustering

MIN_CELL = 0.01  # of n / k points: rarer answers are where models err
MOST_CELLS = 2000  # the matrix has the square of this


def join_clusters(labels: np.ndarray, n_fine: int, n_clusters: int) -> np.ndarray:
    """Evidence accumulation: k groups for the clusters of every model, from all models' clusters together.

    Points that all models answer alike make a cell. Two cells are as similar as the share of models that put
    them into one cluster. Spectral clustering, with the cells' sizes as weights, makes k groups of the cells,
    and each cluster of each model goes with the group that most of its points are in. The cells of a cluster
    that is a mixture are in different groups where other models tell them apart.

    Parameters
    ----------
    labels : int array [n_models, n], each model's clusters from 0 to n_fine - 1
    n_fine : int
    n_clusters : int

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
        together = np.mean([model[:, None] == model for model in cells], axis=0)
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
