"""The distance of each point to its n-th nearest neighbour, computed once per data set and then cached."""

import hashlib
import logging
import os
from importlib.util import find_spec

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from kingdra_repro.data.download.folder import data_folder
from kingdra_repro.data.formats.memory import available_bytes
from kingdra_repro.data.streamed import Matrix, StreamedMatrix, is_sparse
from kingdra_repro.errors import InputError
from kingdra_repro.files import atomic_write

log = logging.getLogger(__name__)

EXACT_UP_TO = 100_000  # rows; comparing all pairs of more takes minutes to hours
CACHE_MIN_ROWS = 5000  # rows; the distances of fewer take less than a second
BYTES_PER_POINT = 1500  # in pynndescent's graph and trees; 900 to 1,500 were measured
TILE_ROWS, TILE_VALUES = 4096, 2**23  # largest numbers of rows and of values in a dense tile of X


def neighbour_distances(X: Matrix, n_neighbors: int, device: torch.device | str = "cpu") -> np.ndarray:
    """Compute the Euclidean distance of each row to its ``n_neighbors``-th nearest other row.

    All pairs are compared tile by tile with float32 matrix products, |x|^2 + |y|^2 - 2 x.y of centred rows.
    For each row, the nearest ``2 * n_neighbors`` others are kept as candidates, and the distances to them are
    recomputed as |x - y|, which avoids cancellation: equal rows are exactly 0 apart, and other distances have
    a relative error of about 1e-6. A wrong neighbour is possible only if the squared distances of more than
    ``n_neighbors`` further points differ from the right neighbour's by less than the rounding error of the
    products, about 1e-6 |x|^2.

    Time grows with n^2 d, memory with the size of a tile. Tiles of a matrix in a file are read on demand.

    Parameters
    ----------
    X : float32 array, CSR matrix or StreamedMatrix [n, d]
    n_neighbors : int, at least 1 and below n
    device : device of the matrix products

    Returns
    -------
    float32 array [n]

    Raises
    ------
    InputError
        If there are too few rows.

    Notes
    -----
    The list in IMSAT's public code holds the distances to the 11th nearest neighbour; the paper says 10th.
    """
    n, d = X.shape
    if n <= n_neighbors:
        raise InputError(
            f"IMSAT's n_neighbors must be less than the number of points, {n}; got {n_neighbors}: give less, "
            "or choose another base (of kingdra_plus, another first_base)"
        )
    size = max(1, min(TILE_ROWS, TILE_VALUES // d))
    center = torch.from_numpy(_mean(X, size)).to(device)
    starts, n_candidates = range(0, n, size), min(2 * n_neighbors, n - 1)

    def rows(index: slice | np.ndarray) -> Tensor:
        return _dense(X[index]).to(device)

    distances = []
    for start in starts:
        points = rows(slice(start, start + size))
        # The candidates among all rows compared so far, nearest first.
        nearest = points.new_empty(len(points), 0)
        index = torch.empty_like(nearest, dtype=torch.int64)
        x = points - center
        for other in starts:
            y = x if other == start else rows(slice(other, other + size)) - center
            squares = (x.square().sum(1)[:, None] + y.square().sum(1)).addmm_(x, y.T, alpha=-2)
            if other == start:
                squares.fill_diagonal_(torch.inf)  # a row is not its own neighbour
            best, column = squares.topk(min(n_candidates, squares.shape[1]), largest=False)
            both, index = torch.cat([nearest, best], 1), torch.cat([index, column + other], 1)
            nearest, order = both.topk(min(n_candidates, both.shape[1]), largest=False)
            index = index.gather(1, order)
        columns = index.cpu().numpy().T
        exact = torch.stack([(points - rows(column)).norm(dim=1) for column in columns], dim=1)
        distances.append(exact.sort(dim=1).values[:, n_neighbors - 1].cpu().numpy())
    return np.concatenate(distances)


def _mean(X: Matrix, size: int) -> np.ndarray:
    """Return the mean of all rows, float32 array [1, d]; any point near it would serve as the centre."""
    if isinstance(X, StreamedMatrix):
        return np.asarray(sum(block.sum(0) for block in X.blocks(size)) / len(X), np.float32).reshape(1, -1)
    return np.asarray(X.mean(0), np.float32).reshape(1, -1)


def _dense(rows: np.ndarray | sp.csr_matrix) -> Tensor:
    dense = rows.toarray() if sp.issparse(rows) else rows
    return torch.from_numpy(np.array(dense, np.float32))  # a copy: X may be read-only


def cached_neighbour_distances(
    X: Matrix,
    n_neighbors: int,
    device: torch.device | str = "cpu",
    data_dir: str | os.PathLike | None = None,
) -> np.ndarray:
    """Return `neighbour_distances` from the cache in the data folder; compute and cache them if missing.

    For more than 100,000 rows, use `approximate_neighbour_distances` if pynndescent is installed. The file is
    named after ``n_neighbors`` and a checksum of X; a damaged file is replaced. Data sets of fewer than 5,000
    rows are not cached.

    Raises
    ------
    InputError
        If there are too few rows, or not enough memory for approximate neighbours of a matrix in a file.
    """
    n = X.shape[0]
    if n < CACHE_MIN_ROWS:
        return neighbour_distances(X, n_neighbors, device)
    approximate = n > EXACT_UP_TO and find_spec("pynndescent") is not None
    if n > EXACT_UP_TO and not approximate:
        log.warning(
            "Neighbours of %s points are found by comparing all, which takes long; those of pynndescent are "
            "approximate: pip install 'kingdra-repro[neighbours]'",
            f"{n:,}",
        )
    name = f"{'approximate_' if approximate else ''}{n_neighbors}_{_digest(X)}.npy"
    cached = data_folder(data_dir) / "neighbours" / name
    try:
        distances = np.load(cached, allow_pickle=False)
        if distances.shape == (n,) and distances.dtype == np.float32 and np.isfinite(distances).all():
            return distances
    except Exception:  # missing or damaged: NumPy's reader fails in many ways
        pass
    log.info("Distances of %d points to their neighbours: computed once, then kept in %s", n, cached)
    if approximate:
        distances = approximate_neighbour_distances(_in_memory(X), n_neighbors)
    else:
        distances = neighbour_distances(X, n_neighbors, device)
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(cached, lambda file: np.save(file, distances, allow_pickle=False))
    except OSError as error:
        log.warning("The distances are not kept: %s", error)
    return distances


def approximate_neighbour_distances(X: np.ndarray | sp.csr_matrix, n_neighbors: int) -> np.ndarray:
    """Approximate `neighbour_distances` with pynndescent's nearest neighbours (Dong, Moses and Li 2011).

    For 20,000 pictures of MNIST, benchmarks/neighbours.py prints how far off they are. Time grows a little
    faster than n. The result is deterministic: float32 array [n].
    """
    from pynndescent import NNDescent  # an optional dependency, which takes seconds to load

    # One more, because a point is its own nearest neighbour. Spare candidates make the first more reliable.
    n_candidates = min(X.shape[0], max(2 * n_neighbors, 15) + 1)
    found = NNDescent(X, n_neighbors=n_candidates, random_state=0, low_memory=True)
    index, distances = found.neighbor_graph
    itself = index == np.arange(X.shape[0])[:, None]
    others = np.sort(np.where(itself | (index < 0), np.inf, distances), axis=1)
    return others[:, n_neighbors - 1].astype(np.float32)


def _in_memory(X: Matrix) -> np.ndarray | sp.csr_matrix:
    if not isinstance(X, StreamedMatrix):
        return X
    needed = len(X) * (X.stored.bytes_per_row + BYTES_PER_POINT)
    if needed > available_bytes():
        raise InputError(
            f"IMSAT needs the neighbours of {len(X):,} points, which pynndescent finds with all of them in "
            f"memory, about {needed / 1e9:.1f} GB: choose base=ladder_im, ladder_dot, deep_rim or "
            "linear_rim, or give fewer rows"
        )
    return X[:]


def _digest(X: Matrix) -> str:
    """Hash the shape, dtype and values of X to 16 hexadecimal digits; read a matrix in a file in blocks."""
    digest = hashlib.sha256(f"{'sparse' if is_sparse(X) else 'dense'} {X.shape} {X.dtype}".encode())
    for block in X.blocks(TILE_ROWS) if isinstance(X, StreamedMatrix) else [X]:
        arrays = [block] if isinstance(block, np.ndarray) else [block.data, block.indices, block.indptr]
        for part in arrays:
            digest.update(np.ascontiguousarray(part).data.cast("B"))
    return digest.hexdigest()[:16]
