"""Features of new points: a user's file is preprocessed like the file that the model was fitted on."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kingdra_repro.data.features.picture_vectorizer import PictureVectorizer
from kingdra_repro.data.features.table_vectorizer import BlockPosition, TableVectorizer, check_dropped
from kingdra_repro.data.features.tfidf import TextVectorizer
from kingdra_repro.data.formats.streamed_parquet import StreamedParquet
from kingdra_repro.data.formats.tables import is_table, read_as_written
from kingdra_repro.data.sources.custom_array import ENDINGS, array_features
from kingdra_repro.data.sources.custom_folder import are_pictures, read_text
from kingdra_repro.data.sources.custom_parquet import streamed_table
from kingdra_repro.data.sources.custom_table import row_names, texts_of
from kingdra_repro.data.sources.file_folder import files_and_classes
from kingdra_repro.data.sources.preprocessing import Preprocessing
from kingdra_repro.data.streamed import Matrix
from kingdra_repro.data.validation import validate_features
from kingdra_repro.errors import InputError


@dataclass(frozen=True)
class NewPoints:
    """Features of the points to predict.

    Attributes
    ----------
    X : float32 array, CSR matrix or StreamedMatrix [n, d]
    names : list of str [n] or None, names of the rows
    table : DataFrame [n, columns] or None, the rows of the table that are in X
    rows : int64 array [n] or None, their row numbers in the file; None: 0, 1, 2...
    """

    X: Matrix
    names: list[str] | None = None
    table: pd.DataFrame | None = None
    rows: np.ndarray | None = None


def read_new_points(
    preprocessing: Preprocessing, path: Path, n_features: int, mirror: str | None = None
) -> NewPoints:
    """Read the points in a file or folder as features.

    Parameters
    ----------
    preprocessing : Preprocessing
        The preprocessing that made the `n_features` features that the model was fitted on.
    path : Path
        A file or folder like that of the run; for texts and pictures, also an array of features.
    mirror : path or None
        A source of the network weights, for pictures.

    Raises
    ------
    InputError
        If the file is of another kind, or lacks columns; the message lists them.
    """
    if not path.exists():
        raise InputError(f"data={path} does not exist ({path.absolute()}): correct the path")
    of_files = (
        isinstance(preprocessing.vectorizer, TextVectorizer | PictureVectorizer)
        and preprocessing.text is None
    )
    if of_files and not (path.is_file() and path.suffix.lower() in ENDINGS):
        return _read_files(preprocessing, path, mirror)
    if path.is_dir():
        of_a_table = isinstance(preprocessing.vectorizer, TableVectorizer)
        also = ", or a folder of nothing but Parquet files" if of_a_table else ""
        raise InputError(f"data={path} is a folder: give a file like that of the run{also}")
    of_texts = isinstance(preprocessing.vectorizer, TextVectorizer) and preprocessing.text is not None
    if isinstance(preprocessing.vectorizer, TableVectorizer) or (of_texts and is_table(path)):
        return _read_table(preprocessing, path)
    if path.suffix.lower() not in ENDINGS:
        raise InputError(f"{path} is no array: give one, such as a .npy, as the model was fitted on")
    raw = array_features(path, preprocessing.scale, stream="auto")
    return NewPoints(preprocessing.features_from_array(raw, n_features, str(path)))


def blocks_of_new_points(
    preprocessing: Preprocessing,
    path: Path,
    n_features: int,
    all_columns: bool = False,
    mirror: str | None = None,
) -> Iterator[NewPoints]:
    """Read points as `read_new_points` does, but block by block if Parquet does not fit in memory.

    With `all_columns`, the table of a block also has the columns that are neither features nor names.

    Raises
    ------
    InputError
        As `read_new_points`; an error in a later block is raised after the earlier blocks were yielded.
    """
    of_a_table = isinstance(preprocessing.vectorizer, TableVectorizer) and path.exists()
    table = streamed_table(path, "auto") if of_a_table else None
    if table is None or not isinstance(preprocessing.vectorizer, TableVectorizer):
        yield read_new_points(preprocessing, path, n_features, mirror)
    else:
        yield from _blocks_of(preprocessing, table, preprocessing.vectorizer, all_columns)


def _read_files(preprocessing: Preprocessing, path: Path, mirror: str | None) -> NewPoints:
    """Read the texts or pictures in a folder, or a single file."""
    folder, files = (path, files_and_classes(path)[0]) if path.is_dir() else (path.parent, [path])
    of_pictures = isinstance(preprocessing.vectorizer, PictureVectorizer)
    if are_pictures(folder, files) != of_pictures:
        kinds = ("pictures", "texts") if of_pictures else ("texts", "pictures")
        raise InputError(f"data={path} holds {kinds[1]}, and the model was fitted on {kinds[0]}")
    if isinstance(preprocessing.vectorizer, PictureVectorizer):
        X: Any = preprocessing.vectorizer.features(folder, files, mirror=mirror)
    else:
        X = preprocessing.features_from_items([read_text(file) for file in files])
    return NewPoints(preprocessing.scaled(X), [file.relative_to(folder).as_posix() for file in files])


def _read_table(preprocessing: Preprocessing, path: Path) -> NewPoints:
    """Read a table, or its column of texts."""
    if not is_table(path):
        raise InputError(f"{path} is no table: give one, such as a .csv, as the model was fitted on")
    words: Collection[str] = () if preprocessing.text is None else (preprocessing.text,)
    if isinstance(preprocessing.vectorizer, TableVectorizer):
        words = preprocessing.vectorizer.words
    table, written = read_as_written(
        path, () if preprocessing.id is None else (preprocessing.id,), preprocessing.text_format, words
    )
    X: Any
    if isinstance(preprocessing.vectorizer, TableVectorizer):
        X, rows = preprocessing.vectorizer.transform(table, str(path))
        check_dropped(len(rows), len(table), str(path))
        validate_features(X, preprocessing.vectorizer.feature_names)
        X = preprocessing.vectorizer.scale(X).astype(np.float32)
    else:
        assert preprocessing.text is not None
        X = preprocessing.scaled(
            preprocessing.features_from_items(texts_of(table, preprocessing.text, str(path)))
        )
        rows = np.arange(len(table))
    table[written.columns] = written
    names = row_names(table, preprocessing.id if preprocessing.id in table.columns else None, rows)
    return NewPoints(X, names, table.iloc[rows])


def _blocks_of(
    preprocessing: Preprocessing, table: StreamedParquet, vectorizer: TableVectorizer, all_columns: bool
) -> Iterator[NewPoints]:
    source = str(table.path)
    vectorizer.check_columns(table.names, source)
    used = {*vectorizer.columns, preprocessing.id}
    position, n_left = BlockPosition(), 0
    for frame in table.frames([name for name in table.names if all_columns or name in used]):
        X, rows = vectorizer.transform(frame, source, position)
        if len(rows):
            validate_features(X, vectorizer.feature_names, position.first_row)
            id = preprocessing.id if preprocessing.id in frame.columns else None
            is_named = id is not None or not isinstance(frame.index, pd.RangeIndex)
            yield NewPoints(
                vectorizer.scale(X).astype(np.float32),
                row_names(frame, id, rows) if is_named else None,
                frame.iloc[rows],
                position.first_row + rows,
            )
        position.first_row += len(frame)
        n_left += len(rows)
    check_dropped(n_left, position.first_row, source)
