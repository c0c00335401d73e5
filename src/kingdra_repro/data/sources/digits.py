"""The digits that come with scikit-learn: the data set that needs no download."""

import numpy as np
import sklearn.datasets

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.validation import validate


def load_digits(n_clusters: int | None = None) -> Dataset:
    """Load scikit-learn's 1,797 handwritten digits, 8 x 8 pixels, scaled from 0-16 to 0-1.

    Parameters
    ----------
    n_clusters : int or None
        Number of clusters to find; None: 10, one for each digit.

    Returns
    -------
    Dataset
        X float32 [1797, 64], y int64 [1797].

    Raises
    ------
    InputError
        If `n_clusters` is below 2 or above 1,797.

    Notes
    -----
    The test part of the UCI "Optical Recognition of Handwritten Digits" (Alpaydin, Kaynak 1998). The
    paper does not use it.
    """
    digits = sklearn.datasets.load_digits()
    k = 10 if n_clusters is None else n_clusters
    X, y = validate(np.asarray(digits.data, np.float32) / 16, digits.target, k)
    return Dataset("digits", X, y, k, image_shape=(8, 8), class_names=[str(digit) for digit in range(10)])
