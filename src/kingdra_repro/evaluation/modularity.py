"""Modularity: how well clusters fit the graph of nearest neighbours, which is known without labels."""

import numpy as np
import scipy.sparse as sp
from sklearn.neighbors import kneighbors_graph

NEIGHBOURS = 10


def neighbour_graph(X: np.ndarray | sp.csr_matrix, n_neighbors: int = NEIGHBOURS) -> sp.csr_matrix:
    """Join each point with its nearest others, by Euclidean distance; all edges weigh 1.

    Parameters
    ----------
    X : array or CSR matrix [n, d], n >= 2
    n_neighbors : int; n - 1 where there are fewer others

    Returns
    -------
    symmetric CSR matrix [n, n] of 0 and 1
    """
    graph = kneighbors_graph(X, min(n_neighbors, X.shape[0] - 1))
    return graph.maximum(graph.T).tocsr()


def modularity(graph: sp.csr_matrix, labels: np.ndarray) -> float:
    """Compute the share of edges within clusters, less what chance would put there (Newman 2004, Eq. 5).

    Q = sum over clusters c of e_cc - a_c^2, with e_cc the share of edges within c, and a_c that of ends of
    edges in c. It is below 1, and 0 for one cluster alone.

    Parameters
    ----------
    graph : symmetric CSR matrix [n, n] of 0 and 1 with an edge at least, as of `neighbour_graph`
    labels : int array [n], from 0
    """
    degrees = np.asarray(graph.sum(1)).ravel()
    i, j = graph.nonzero()
    within = (labels[i] == labels[j]).sum() / degrees.sum()
    return float(within - ((np.bincount(labels, degrees) / degrees.sum()) ** 2).sum())
