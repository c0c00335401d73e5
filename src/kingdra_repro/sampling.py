"""A fixed sample of the points, for measures and plots that would take too long on all of them."""

import numpy as np


def fixed_sample(n: int, most: int) -> np.ndarray:
    """Draw at most `most` of n points at random, always the same ones for the same n, whatever a run's seed.

    Measures on this sample can therefore be compared between runs, and between parts of an interrupted run.
    Returns row indices, int64 array [min(n, most)], ascending.
    """
    return np.sort(np.random.default_rng(0).choice(n, min(most, n), replace=False))
