"""What every data source returns, and every method is given (without the labels)."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp


@dataclass(frozen=True)
class Dataset:
    """A feature matrix, and what is known about it.

    Attributes
    ----------
    name : str
    X : ndarray [n, d] (float32; may be a read-only memory map) or scipy CSR matrix [n, d] (float32)
    y : int64 array [n] with classes 0..n_classes-1, or None where they are not known.
        Read by metrics and plots alone.
    n_clusters : int
        k, the number of clusters to find.
    image_shape : tuple of int or None
        ``(height, width)`` or ``(height, width, 3)`` where a row of X is a picture that can be shown.
    """

    name: str
    X: np.ndarray | sp.csr_matrix
    y: np.ndarray | None
    n_clusters: int
    image_shape: tuple[int, ...] | None = None
