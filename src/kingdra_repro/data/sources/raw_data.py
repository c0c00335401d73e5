"""`RawData`, the content of a user's file or folder of any kind."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kingdra_repro.data.features.picture_vectorizer import PictureVectorizer
from kingdra_repro.data.features.pictures import PictureFiles
from kingdra_repro.data.features.table_vectorizer import TableVectorizer
from kingdra_repro.data.features.tfidf import TextVectorizer
from kingdra_repro.data.formats.labels import Labels
from kingdra_repro.data.streamed import Matrix


@dataclass(frozen=True)
class RawData:
    """Features of m rows and what is known about them, before validation and scaling.

    Attributes
    ----------
    X : array, CSR matrix or StreamedMatrix [m, d]
        float64 for a table in memory, float32 for texts, float32 or float16 for pictures; an array keeps its
        dtype, except that pixels become float32.
    feature_names : list of str [d] or None
        Names of a table's features, or the words of texts.
    row_names : list of str [m] or None
        Names from a column or the index of a table, or its row numbers if rows were left out; or the paths of
        the files relative to the folder.
    labels : Labels [m] or None
        A column of the table, the labels stored in an array file, or the names of the files' subfolders.
    given : Labels [m] or None
        The column of the table with labels to learn from.
    image_shape : (height, width), (height, width, 3) or None
        Shape of the pictures if the rows are pictures.
    pixels : bool
        Whether X was uint8 and is divided by 255.
    pictures : PictureFiles or None
        The m pictures that X was extracted from.
    vectorizer : TableVectorizer, TextVectorizer, PictureVectorizer or None
        Makes features of further files; None for an array.
    table : DataFrame [n, columns] or None
        The table, if it is in memory. Row names and labels are as written in a text file; all other cells are
        as parsed. n > m if rows with missing cells are left out.
    rows : int64 array [m] or None
        The rows of `table` that are in X; None if there is no table.
    """

    X: Matrix
    feature_names: list[str] | None = None
    row_names: list[str] | None = None
    labels: Labels | None = None
    given: Labels | None = None
    image_shape: tuple[int, ...] | None = None
    pixels: bool = False
    pictures: PictureFiles | None = None
    vectorizer: TableVectorizer | TextVectorizer | PictureVectorizer | None = None
    table: pd.DataFrame | None = None
    rows: np.ndarray | None = None
