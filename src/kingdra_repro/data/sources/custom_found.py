"""What a user's file or folder holds, whatever its kind."""

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
class Found:
    """Features of m rows and what is known about them, neither checked nor scaled.

    Attributes
    ----------
    X : array, CSR matrix or StreamedMatrix [m, d]
        Of a table in memory float64, of texts float32, of pictures float32 or float16, of an array as it was
        read.
    feature_names : list of str [d] or None
        The columns of a table, or the words of texts.
    row_names : list of str [m] or None
        The column of a table with the rows' names, or the files' paths below a folder.
    labels : Labels [m] or None
        A column of the table; what a file of arrays has beside X; or the names of the subfolders that the
        files are in.
    given : Labels [m] or None
        The column of the table with labels to learn from.
    image_shape : (height, width), (height, width, 3) or None
        Of the pictures that the rows are.
    pixels : bool
        Whether X was uint8, and is divided by 255.
    pictures : PictureFiles or None
        The m pictures that X was made of.
    vectorizer : TableVectorizer, TextVectorizer, PictureVectorizer or None
        What makes features of further files; None for an array.
    table : DataFrame [n, columns] or None
        The table, where it is in memory. Names of rows and labels are as they stand in a file of text, all
        else as it was read. With n > m where rows with missing cells are left out.
    rows : int64 array [m] or None
        The rows of `table` that X is of; None where there is none.
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
