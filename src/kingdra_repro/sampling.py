"""A fixed sample of the points, for measures and plots that would take too long on all of them."""

import numpy as np


def fixed_sample(n: int, max_size: int) -> np.ndarray:
    """Draw at most `max_size` of n points at random: the same points for the same n, whatever a run's seed.

    Measures on this sample can therefore be compared between runs, and between parts of an interrupted run.
    Returns row indices, int64 array [min(n, max_size)], ascending.
    """
    return np.sort(np.random.default_rng(0).choice(n, min(max_size, n), replace=False))
