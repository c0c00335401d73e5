"""Error of approximate distances to the 10th nearest neighbour: ``neighbours.py FILE.npy [rows]``.

On random rows of an array, compares exact distances with pynndescent's: seconds, and relative errors.
"""

import sys
import time

import numpy as np

from kingdra_repro.bases.neighbours import approximate_neighbour_distances, neighbour_distances


def main(path: str, rows: int = 20_000) -> None:
    X = np.load(path, mmap_mode="r")
    X = np.ascontiguousarray(X[np.sort(np.random.default_rng(0).permutation(len(X))[:rows])], np.float32)
    approximate_neighbour_distances(X[:500], 10)  # lets numba compile
    times, found = [], []
    for compute in (neighbour_distances, approximate_neighbour_distances, approximate_neighbour_distances):
        start = time.perf_counter()
        found.append(compute(X, 10))
        times.append(time.perf_counter() - start)
    exact, approximate, again = found
    error = np.abs(approximate - exact) / np.maximum(exact, np.finfo(np.float32).tiny)
    print(f"{X.shape[0]:,} x {X.shape[1]:,}: exact {times[0]:.1f} s, approximate {times[1]:.1f} s")
    print(
        f"relative error: mean {error.mean():.2e}, 99th percentile {np.percentile(error, 99):.2e}, ", end=""
    )
    print(f"largest {error.max():.2e}; exact for {np.mean(error < 1e-5):.2%}")
    print(f"the same each time: {np.array_equal(approximate, again)}")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
