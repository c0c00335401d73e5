"""`Dataset`, which every data source returns; methods are given its contents without the labels y."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kingdra_repro.data.links import Links
from kingdra_repro.data.streamed import Matrix

if TYPE_CHECKING:  # these are in higher layers, see tests/test_layers.py
    from kingdra_repro.data.features.pictures import Pictures
    from kingdra_repro.data.sources.preprocessing import Preprocessing


@dataclass(frozen=True)
class Dataset:
    """A feature matrix and what is known about it.

    Attributes
    ----------
    name : str
    X : ndarray [n, d] (float32; may be a read-only memory map), scipy CSR matrix [n, d] (float32), or
        StreamedMatrix, whose rows are read on demand
    y : int64 array [n] with classes 0..n_classes-1, or None if they are unknown
        Used by metrics and plots only.
    n_clusters : int
        k, the number of clusters to find.
    image_shape : tuple of int or None
        ``(height, width)`` or ``(height, width, 3)`` if a row of X is a picture that can be shown.
    feature_names : sequence of str [d] or None
        Names of the features: the words of a tf-idf matrix, the columns of a table.
    class_names : sequence of str [n_classes] or None
        Names of the classes. Like all names here, they are used in reports only.
    row_names : sequence of str [n] or None
        Names of the rows, such as the files of a folder.
    pictures : Pictures or None
        The n pictures that the rows of X were extracted from, if they can be shown.
    given : int64 array [n] or None
        Labels that a method may learn from, including those that follow from `links`; -1 where unknown.
    links : Links or None
        Must-link and cannot-link pairs of rows, which a method may learn from.
    preprocessing : Preprocessing or None
        The transformation that made X from a file, and that is applied to further files.
    table : DataFrame [n, columns] or None
        The rows of the user's table that X was made from, for the output.
    """

    name: str
    X: Matrix
    y: np.ndarray | None
    n_clusters: int
    image_shape: tuple[int, ...] | None = None
    feature_names: Sequence[str] | None = None
    class_names: Sequence[str] | None = None
    row_names: Sequence[str] | None = None
    pictures: "Pictures | None" = None
    given: np.ndarray | None = None
    links: Links | None = None
    preprocessing: "Preprocessing | None" = None
    table: pd.DataFrame | None = None

    @property
    def is_custom(self) -> bool:
        """Whether the data come from a user's file or folder (`load_custom`), whatever the config's name."""
        return self.preprocessing is not None

    def unscale(self, X: np.ndarray) -> np.ndarray:
        """Return dense features [m, d] with their scaling undone; unchanged if there is no preprocessing."""
        return X if self.preprocessing is None else self.preprocessing.unscale(X)
