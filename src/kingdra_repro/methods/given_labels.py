"""The labels that a semi-supervised method is given: a few of each class, the others hidden."""

import numpy as np

from kingdra_repro.checks import is_integer, must_be
from kingdra_repro.errors import InputError
from kingdra_repro.training.seeds import Purpose, numpy_stream


def draw_labels(y: np.ndarray | None, n_clusters: int, per_class: int, seed: int) -> np.ndarray:
    """Draw so many points of each class at random.

    Parameters
    ----------
    y : int64 array [n], the classes 0..n_clusters-1, or None
    n_clusters : int
    per_class : int
    seed : int

    Returns
    -------
    int64 array [n]
        The class of the points drawn, -1 for all others.

    Raises
    ------
    InputError
        If the classes are not known, are not ``n_clusters``, or one has no more points than that; if the seed
        is negative.
    """
    if y is None:
        raise InputError("method=semi_supervised learns from labels, and this data set has none")
    if seed < 0:
        raise must_be("an integer of at least 0", "random_state", seed)
    sizes = np.bincount(y)
    if len(sizes) != n_clusters:
        raise must_be(f"the number of classes, {len(sizes)}", "n_clusters", n_clusters)
    if sizes.min() < 2:
        raise InputError(
            "The smallest class has one point: there is none left to score, leave that class out"
        )
    if not is_integer(per_class, 1) or per_class >= sizes.min():
        what = f"an integer from 1 to {sizes.min() - 1}, which leaves some points of the smallest class"
        raise must_be(what, "labels_per_class", per_class)
    rng = numpy_stream(seed, 0, Purpose.GIVEN_LABELS)
    given = np.full(len(y), -1, np.int64)
    for c in range(n_clusters):
        given[rng.choice(np.flatnonzero(y == c), per_class, replace=False)] = c
    return given
