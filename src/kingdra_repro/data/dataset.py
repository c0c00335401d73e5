"""What every data source returns, and every method is given (without the labels)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kingdra_repro.data.links import Links
from kingdra_repro.data.streamed import Matrix

if TYPE_CHECKING:  # these stand on the floors above, see tests/test_layers.py
    from kingdra_repro.data.features.pictures import Pictures
    from kingdra_repro.data.sources.preprocessing import Preprocessing


@dataclass(frozen=True)
class Dataset:
    """A feature matrix, and what is known about it.

    Attributes
    ----------
    name : str
    X : ndarray [n, d] (float32; may be a read-only memory map), scipy CSR matrix [n, d] (float32), or
        StreamedMatrix, of which rows are read as they are needed
    y : int64 array [n] with classes 0..n_classes-1, or None where they are not known.
        Read by metrics and plots alone.
    n_clusters : int
        k, the number of clusters to find.
    image_shape : tuple of int or None
        ``(height, width)`` or ``(height, width, 3)`` where a row of X is a picture that can be shown.
    feature_names : sequence of str [d] or None
        What the columns are called: the words of a tf-idf matrix, the columns of a table.
    class_names : sequence of str [n_classes] or None
        What the classes are called. Like all names here, it is for reports alone.
    row_names : sequence of str [n] or None
        What the rows are called, such as the files of a folder.
    pictures : Pictures or None
        The n pictures that the rows of X are features of, where they can be shown.
    given : int64 array [n] or None
        The labels that a method may learn from, and what follows from them by the links; -1 where not known.
    links : Links or None
        Pairs of rows that belong together or apart, which a method may learn from.
    preprocessing : Preprocessing or None
        What has made X of a file, and makes features of further files.
    table : DataFrame [n, columns] or None
        The rows of the user's table that X is of, for the output.
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
    def is_users_own(self) -> bool:
        """Whether it is a file or folder of the user's, whatever its config is called (`load_custom`)."""
        return self.preprocessing is not None

    def in_units(self, X: np.ndarray) -> np.ndarray:
        """Return dense features [m, d] as the file had them, before they were scaled; others as they are."""
        return X if self.preprocessing is None else self.preprocessing.in_units(X)
