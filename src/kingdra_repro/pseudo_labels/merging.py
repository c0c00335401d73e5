"""Clusters that are too fine, joined to k by which of them are neighbours."""

import numpy as np
import scipy.sparse as sp


def merge_clusters(labels: np.ndarray, neighbors: sp.csr_matrix, n_fine: int, n_clusters: int) -> np.ndarray:
    """Average linkage on the graph of nearest neighbours.

    Again and again those two groups of clusters are joined that have the most edges between them for each
    pair of their points, e(A, B) / (|A| |B|), until ``n_clusters`` are left.

    Parameters
    ----------
    labels : int array [n], clusters from 0 to n_fine - 1
    neighbors : sparse matrix [n, n], a non-zero from each point to each of its nearest neighbours
    n_fine : int
    n_clusters : int, at most n_fine

    Returns
    -------
    int64 array [n_fine], the group of each cluster, from 0 to n_clusters - 1; clusters without points are
    in group 0

    References
    ----------
    Sokal, Michener (1958), A Statistical Method for Evaluating Systematic Relationships: average linkage.
    """
    edges = neighbors.tocoo()
    between = np.zeros((n_fine, n_fine))
    np.add.at(between, (labels[edges.row], labels[edges.col]), 1.0)
    between += between.T
    sizes = np.bincount(labels, minlength=n_fine).astype(float)
    groups = [[cluster] for cluster in np.flatnonzero(sizes)]
    between = between[np.ix_(sizes > 0, sizes > 0)]
    sizes = sizes[sizes > 0]
    while len(groups) > n_clusters:
        linkage = between / np.outer(sizes, sizes)
        linkage[np.triu_indices(len(groups))] = -1.0  # where no two groups are joined, any two will do
        high, low = np.unravel_index(linkage.argmax(), linkage.shape)
        groups[low] += groups.pop(high)
        between[low] += between[high]
        between[:, low] += between[:, high]
        sizes[low] += sizes[high]
        between = np.delete(np.delete(between, high, 0), high, 1)
        sizes = np.delete(sizes, high)
    found = np.zeros(n_fine, np.int64)
    for index, clusters in enumerate(groups):
        found[clusters] = index
    return found
