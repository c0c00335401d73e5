"""Ward's hierarchy without a distance matrix: reciprocal nearest neighbours are merged in rounds.

Ward's distance between clusters a and b, with sizes s and centroids c, is the increase in the sum of squares
within clusters when they are merged:

    D(a, b) = s_a s_b / (s_a + s_b) ||c_a - c_b||^2.

It is reducible: D(a + b, x) >= min(D(a, x), D(b, x)) if D(a, b) is the smallest of the three. Therefore
clusters that are each other's nearest neighbour can be merged in any order with the same hierarchy (Murtagh
1983), and their distances to other clusters only grow. Each cluster a keeps a short list of neighbours and a
horizon R_a such that D(a, x) >= R_a for every x that is not in the list. The nearest cluster in the list is
the nearest of all as long as it is within the horizon. When a listed cluster is merged, the union replaces it
in the list. The union of a and b inherits both lists and, by the Lance-Williams formula, the horizon

    min over s_x >= 1 of  [(s_a + s_x) R_a + (s_b + s_x) R_b - s_x D(a, b)] / (s_a + s_b + s_x),

so a cluster has to be compared with all others only when its list has run out. On image-like data with 784
features, this took 1.3 n^2 distances in total.
"""

import hashlib
from collections.abc import Callable

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor

N_NEIGHBOURS = 12  # neighbours kept for each cluster
ROWS, COLUMNS = 1024, 8192  # of a tile of distances: 32 MB, enough for matrix products at full speed
NUMBERS_AT_ONCE = 1 << 22  # numbers gathered from centroids at once, for single distances
# Lists that have run out are refilled if less than this fraction of clusters can be merged without that.
MIN_MERGE_FRACTION = 0.01


def ward_tree(
    X: np.ndarray, device: torch.device, on_round: Callable[[int], None] = lambda n_clusters: None
) -> tuple[np.ndarray, np.ndarray]:
    """Compute all merges of Ward's hierarchy of the rows of X.

    Exact up to the rounding of float64. Candidate neighbours are found by matrix products in float32, with a
    bound on their rounding errors, and chosen by differences in float64; if float32 cannot decide, the search
    is repeated in float64. X is centred first, which keeps this bound and the cancellation in
    ||a||^2 + ||b||^2 - 2 a.b small.

    Parameters
    ----------
    X : float32 array [n, d]
    device : torch.device
    on_round : called with the number of clusters left, after each round

    Returns
    -------
    merges : int64 array [n - 1, 2]
        The lowest row index in each of the two merged clusters. Merges within a cluster come before its own.
    heights : float64 array [n - 1]
        D of the two clusters; never below the heights of the merges within them.
    """
    first = _first_equal_row(X)
    points, sizes = np.unique(first, return_counts=True)
    # Merge equal rows first: they would fill the lists with ties.
    copies = np.flatnonzero(first != np.arange(len(X)))
    merges, heights = [np.stack([first[copies], copies], 1)], [np.zeros(len(copies))]

    centroids = torch.from_numpy(X[points]).to(device, torch.float64)
    centroids -= torch.from_numpy(sizes / len(X)).to(centroids) @ centroids
    largest = max(float(centroids.abs().max()), np.finfo(float).tiny)
    scale = 2.0 ** np.frexp(largest)[1]  # a power of two: no rounding, and squares do not overflow
    clusters = Clusters(centroids.div_(scale), torch.from_numpy(sizes).to(centroids))
    while clusters.n_left > 1:
        a, b, height = clusters.merge_round()
        merges.append(points[np.stack([a, b], 1)])
        heights.append(height * scale**2)
        on_round(clusters.n_left)
    return np.concatenate(merges), np.concatenate(heights)


def cut_tree(merges: np.ndarray, heights: np.ndarray, n_clusters: int) -> np.ndarray:
    """Return the clusters after the n - k lowest merges: int64 labels [n], in order of first occurrence."""
    n = len(merges) + 1
    low = merges[np.argsort(heights, kind="stable")[: n - n_clusters]]
    graph = coo_matrix((np.ones(len(low), bool), (low[:, 0], low[:, 1])), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64)


class Clusters:
    """The remaining clusters, each in the slot of its lowest row, with their lists of neighbours.

    ``centroids``, float64 [n, d] and centred, are modified in place; ``sizes`` are float64 [n].
    """

    def __init__(self, centroids: Tensor, sizes: Tensor) -> None:
        n = len(sizes)
        self.centroids, self.sizes = centroids, sizes
        self.n_left = n
        self.left = torch.ones(n, dtype=torch.bool, device=sizes.device)
        self.heights = torch.zeros_like(sizes)
        self.neighbours = torch.zeros(n, N_NEIGHBOURS, dtype=torch.long, device=sizes.device)
        self.distances = sizes.new_full((n, N_NEIGHBOURS), torch.inf)  # infinite for an empty entry
        self.horizon = sizes.new_full((n,), -torch.inf)

    def merge_round(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Merge all known reciprocal nearest neighbours; return their slots a < b [p] and heights [p]."""
        left = self.left.nonzero().squeeze(1)
        a, b = self._reciprocal(left)
        if len(a) < MIN_MERGE_FRACTION * len(left):
            unknown = left[self.distances[left].isinf().all(1)]
            if len(unknown):
                # If the program allows TF32, float32 products round more than the bounds assume.
                self._search(unknown, torch.float32 if _exact_products() else torch.float64)
                a, b = self._reciprocal(left)
        if not len(a):  # ties may leave no reciprocal pair; a pair with the least distance can be merged
            closest = left[self.distances[left].amin(1).argmin()]
            nearest = self._nearest(closest[None])
            a, b = torch.minimum(closest, nearest), torch.maximum(closest, nearest)
        height = self._merge(a, b)
        return a.cpu().numpy(), b.cpu().numpy(), height.cpu().numpy()

    def _nearest(self, rows: Tensor) -> Tensor:
        """Return the nearest neighbour of each row, -1 if it is unknown; ties go to the lowest slot."""
        distances, neighbours = self.distances[rows], self.neighbours[rows]
        least = distances.amin(1, keepdim=True)
        nearest = neighbours.where(distances == least, len(self.sizes)).amin(1)
        return nearest.where(least.squeeze(1).isfinite(), -1)

    def _reciprocal(self, left: Tensor) -> tuple[Tensor, Tensor]:
        nearest = torch.full_like(self.neighbours[:, 0], -1)
        nearest[left] = self._nearest(left)
        b = nearest[left]
        pairs = (left < b) & (nearest[b] == left)  # false for b = -1
        return left[pairs], b[pairs]

    def _merge(self, a: Tensor, b: Tensor) -> Tensor:
        """Merge clusters a and b [p] into slots a and update all lists; return the heights [p]."""
        s_a, s_b, r_a, r_b = self.sizes[a], self.sizes[b], self.horizon[a], self.horizon[b]
        distance = self._ward_distance(a, b)
        beyond = r_a + r_b - distance  # monotone in s_x: this is its limit, the next line has its value at 1
        horizon = torch.minimum((s_a * r_a + s_b * r_b + beyond) / (s_a + s_b + 1), beyond)
        union = torch.cat([self.neighbours[a], self.neighbours[b]], 1)
        absent = torch.cat([self.distances[a], self.distances[b]], 1).isinf()

        self.sizes[a] = s_a + s_b
        self.centroids[a] += (s_b / (s_a + s_b))[:, None] * (self.centroids[b] - self.centroids[a])
        height = torch.stack([distance, self.heights[a], self.heights[b]]).amax(0)  # not lowered by rounding
        self.heights[a] = height
        self.left[b] = False
        self.n_left -= len(b)
        into = torch.arange(len(self.sizes), device=a.device)
        into[b] = a
        self.neighbours = into[self.neighbours]
        union = into[union]

        # Keep clusters that are in both lists only once.
        union = union.masked_fill(absent | (union == a[:, None]), len(self.sizes)).sort(1).values
        again = torch.zeros_like(absent)
        again[:, 1:] = union[:, 1:] == union[:, :-1]
        self._set_neighbours(a, union.masked_fill(again, len(self.sizes)), horizon)

        new = torch.zeros_like(self.left)
        new[a] = True
        touched = self.left & ~new
        row, entry = (touched[:, None] & new[self.neighbours] & self.distances.isfinite()).nonzero().T
        grown = self._ward_distance(row, self.neighbours[row, entry])
        self.distances[row, entry] = grown.where(grown <= self.horizon[row], torch.inf)
        return height

    def _set_neighbours(self, rows: Tensor, candidates: Tensor, horizon: Tensor) -> None:
        """Set the lists of rows [r] to the nearest of candidates [r, c]; candidate ``len(sizes)`` means none.

        No cluster outside the candidates is nearer than ``horizon`` [r].
        """
        row, entry = (candidates < len(self.sizes)).nonzero().T
        distances = self.sizes.new_full(candidates.shape, torch.inf)
        distances[row, entry] = self._ward_distance(rows[row], candidates[row, entry])
        distances, order = distances.sort(dim=1, stable=True)
        if candidates.shape[1] > N_NEIGHBOURS:
            horizon = torch.minimum(horizon, distances[:, N_NEIGHBOURS])
        distances = distances[:, :N_NEIGHBOURS]
        self.horizon[rows] = horizon
        # Entries beyond the horizon are useless and remain so, since distances only grow.
        self.distances[rows] = distances.where(distances <= horizon[:, None], torch.inf)
        self.neighbours[rows] = candidates.gather(1, order[:, :N_NEIGHBOURS]).clamp(max=len(self.sizes) - 1)

    def _ward_distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Compute D(a, b) of slots a and b [p], in float64 from differences."""
        size = max(1, NUMBERS_AT_ONCE // self.centroids.shape[1])
        squared = [
            (self.centroids[i] - self.centroids[j]).square_().sum(1)
            for i, j in zip(a.split(size), b.split(size), strict=True)
        ]
        return torch.cat(squared) / (1 / self.sizes[a] + 1 / self.sizes[b])

    def _search(self, rows: Tensor, dtype: torch.dtype) -> None:
        """Make new lists for rows [r] by comparing them with all remaining clusters."""
        low, found = self._lower_bounds(rows, dtype)
        found = found[:, :N_NEIGHBOURS].masked_fill(low[:, :N_NEIGHBOURS].isinf(), len(self.sizes))
        self._set_neighbours(rows, found, low[:, N_NEIGHBOURS])
        unsure = rows[self.distances[rows].isinf().all(1)]
        if not len(unsure):
            return
        if dtype == torch.float32:
            self._search(unsure, torch.float64)
            return
        # Float64 products cannot tell them apart either: a tie. Take the nearest by differences.
        again = found[torch.isin(rows, unsure)]
        self._set_neighbours(unsure, again, self.horizon.new_full((len(unsure),), torch.inf))
        self.horizon[unsure] = self.distances[unsure].amin(1)
        beyond = self.distances[unsure] > self.horizon[unsure, None]
        self.distances[unsure] = self.distances[unsure].masked_fill(beyond, torch.inf)

    def _lower_bounds(self, rows: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Return the m = N_NEIGHBOURS + 1 lowest lower bounds of D(row, .), float64, and their slots: [r, m].

        A bound uses ||a||^2 + ||b||^2 - 2 a.b minus its largest rounding error: (d + 16) times half an
        epsilon times ||a||^2 + ||b||^2, where d is the share of a.b.
        """
        columns = self.left.nonzero().squeeze(1)
        inverse = 1 / self.sizes
        norms = torch.linalg.vector_norm(self.centroids, dim=1).square()
        norms *= 1 - (self.centroids.shape[1] + 16) * torch.finfo(dtype).eps / 2
        low = self.sizes.new_full((len(rows), N_NEIGHBOURS + 1), torch.inf, dtype=dtype)
        found = torch.zeros_like(low, dtype=torch.long)
        place = torch.searchsorted(columns, rows)
        for start in range(0, len(columns), COLUMNS):
            b = columns[start : start + COLUMNS]
            c_b, n_b, i_b = (
                self.centroids[b].to(dtype),
                norms[b].to(dtype),
                self.sizes[b].reciprocal().to(dtype),
            )
            for part in (slice(i, i + ROWS) for i in range(0, len(rows), ROWS)):
                a = rows[part]
                bounds = torch.addmm(n_b, self.centroids[a].to(dtype), c_b.T, alpha=-2)
                bounds += norms[a].to(dtype)[:, None]
                bounds /= inverse[a].to(dtype)[:, None] + i_b
                itself = place[part] - start
                here = ((itself >= 0) & (itself < len(b))).nonzero().squeeze(1)
                bounds[here, itself[here]] = torch.inf
                values, index = bounds.topk(min(N_NEIGHBOURS + 1, len(b)), largest=False)
                values, index = torch.cat([low[part], values], 1), torch.cat([found[part], b[index]], 1)
                low[part], order = values.topk(N_NEIGHBOURS + 1, largest=False)
                found[part] = index.gather(1, order)
        return low.double(), found


def _exact_products() -> bool:
    """Whether float32 products are computed without TF32 or the like; False if PyTorch cannot say."""
    try:
        return torch.get_float32_matmul_precision() == "highest"
    except RuntimeError:  # it was set with the newer API, and PyTorch does not allow mixing them
        return False


def _first_equal_row(X: np.ndarray) -> np.ndarray:
    """Return for each row the index of the first row that equals it: int64 [n]."""
    first: dict[bytes, int] = {}
    numbers = []
    for i, row in enumerate(X):
        data = (np.asarray(row) + 0.0).tobytes()  # + 0: turns negative zeros into zeros
        numbers.append(first.setdefault(hashlib.blake2b(data, digest_size=16).digest(), i))
    return np.array(numbers, np.int64)
