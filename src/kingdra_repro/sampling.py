"""Which points are looked at where a look at all of them would take too long."""

import numpy as np


def fixed_sample(n: int, most: int) -> np.ndarray:
    """Choose points that stand for all: the same ones whenever n points are looked at, whatever the seed.

    So what is measured on them can be compared between runs, and between the parts of an interrupted one.
    int64 array [min(n, most)], ascending.
    """
    return np.sort(np.random.default_rng(0).choice(n, min(most, n), replace=False))
