"""Agglomerative clustering by Ward's criterion, for as many points as fit in memory."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from kingdra_repro.devices import choose_device
from kingdra_repro.methods.clusterer import Clusterer
from kingdra_repro.methods.ward import cut_tree, ward_tree
from kingdra_repro.training.events import Monitor, Progress


@dataclass(eq=False, repr=False, kw_only=True)
class Agglomerative(Clusterer):
    """Exact Ward clustering without a distance matrix: the paper's row "AC".

    The clusters are those of scikit-learn's AgglomerativeClustering, whose distance matrix takes 20 GB for
    70,000 points, except that ties between equal distances may be broken differently. See
    `kingdra_repro.methods.ward` for the algorithm and its treatment of rounding. Memory: 8 n d bytes for the
    centroids, about 250 n bytes for the lists of neighbours, and a few 100 MB. A sparse matrix is densified
    first (another 4 n d bytes), since the centroids are dense.

    Parameters
    ----------
    n_clusters : int, default=8
        k, the number of clusters, from 1 to the number of points.
    device : str, default="auto"
        A torch device; "auto" selects a GPU if there is one.
    monitor : object with methods ``progress`` and ``iteration``, or None, default=None
        Notified of the merges done so far, as a fraction of one epoch; see `kingdra_repro.methods.Monitor`.

    Attributes
    ----------
    labels_ : int64 array [n], clusters numbered in order of first occurrence
    merges_ : int64 array [n - 1, 2]
        The hierarchy: for each merge, the lowest row index in each of the two clusters.
    distances_ : float64 array [n - 1]
        The distance of each merge, in non-decreasing order. As in scikit-learn and scipy it is
        sqrt(2 s_a s_b / (s_a + s_b)) times the distance between the centroids of clusters of sizes s_a, s_b.
    n_features_in_ : int

    See Also
    --------
    KMeans : K-means on the same features.

    References
    ----------
    Ward (1963), Hierarchical Grouping to Optimize an Objective Function, JASA 58. Murtagh (1983), A Survey of
    Recent Advances in Hierarchical Clustering Algorithms, The Computer Journal 26.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kingdra_repro.methods import Agglomerative
    >>> X = load_digits().data / 16
    >>> Agglomerative(n_clusters=10).fit_predict(X).shape
    (1797,)
    """

    device: str = "auto"
    monitor: Monitor | None = None

    def _fit(self, X: np.ndarray | sp.csr_matrix) -> None:
        dense = X if isinstance(X, np.ndarray) else X.toarray()
        merges, heights = ward_tree(
            dense, choose_device(self.device), lambda left: self._report(left, len(dense))
        )
        self.labels_ = cut_tree(merges, heights, self.n_clusters)
        order = heights.argsort(kind="stable")
        self.merges_, self.distances_ = merges[order], np.sqrt(2 * heights[order])

    def _report(self, n_left: int, n: int) -> None:
        if self.monitor is not None:
            self.monitor.progress(
                Progress(
                    epoch=1,
                    n_epochs=1,
                    model_epochs_done=(n - n_left) / (n - 1),
                    model_epochs_total=1.0,
                    losses=lambda: {"clusters": float(n_left)},
                )
            )
