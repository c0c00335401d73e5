"""Features of a user's folder of texts or pictures."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kingdra_repro.data.features.picture_vectorizer import PictureVectorizer
from kingdra_repro.data.features.pictures import PICTURE_ENDINGS, PictureFiles
from kingdra_repro.data.features.tfidf import TextVectorizer
from kingdra_repro.data.formats.labels import Labels
from kingdra_repro.data.formats.streamed_parquet import ENDING as PARQUET
from kingdra_repro.data.sources.file_folder import files_and_classes
from kingdra_repro.data.sources.raw_data import RawData
from kingdra_repro.data.validation import check_n_clusters
from kingdra_repro.errors import InputError


def folder_features(
    folder: Path,
    words: Mapping[str, Any],
    pictures: Mapping[str, Any],
    n_clusters: int | None,
    data_dir: str | os.PathLike | None,
    mirror: str | os.PathLike | None,
) -> RawData:
    """Return features of the files in a folder: ResNet-50 if all are pictures, tf-idf if none is.

    `words` and `pictures` are settings of `TextVectorizer` and `PictureVectorizer`. `n_clusters` is checked
    against the number of files before any features are computed.

    Raises
    ------
    InputError
        If there are no files, pictures are mixed with other files, a file is broken, or there are fewer files
        than clusters.
    """
    files, classes = files_and_classes(folder)
    names = [file.relative_to(folder).as_posix() for file in files]
    labels = None if classes is None else Labels(classes)
    if n_clusters is not None:
        check_n_clusters(n_clusters, len(files))
    if are_pictures(folder, files):
        by_pictures = PictureVectorizer(**pictures)
        return RawData(
            by_pictures.features(folder, files, data_dir, mirror),
            row_names=names,
            labels=labels,
            pictures=PictureFiles(files),
            vectorizer=by_pictures.fitted(),
        )
    by_words = TextVectorizer(**words)
    X = by_words.fit_transform(map(read_text, files))
    return RawData(X, feature_names=by_words.words, row_names=names, labels=labels, vectorizer=by_words)


def are_pictures(folder: Path, files: Sequence[Path]) -> bool:
    """Return whether the files are pictures; InputError if pictures or Parquet are mixed with other files."""
    others = [file for file in files if file.suffix.lower() not in PICTURE_ENDINGS]
    if not others:
        return True
    if len(others) < len(files):
        raise InputError(f"{folder} holds pictures and other files ({others[0].name}): give each a folder")
    tables = [file for file in files if file.suffix.lower() == PARQUET]
    if tables and len(tables) < len(files):
        other = next(file for file in files if file not in tables)
        raise InputError(f"{folder} holds Parquet and other files ({other.name}): take these elsewhere")
    return False


def read_text(file: Path) -> str:
    """Read a text file as UTF-8 or, if that fails, Latin-1; InputError if it is not a text file."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror}): correct its permissions") from error
    if b"\0" in content:
        raise InputError(f"{file} is neither a text nor a picture: remove it from the folder")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # always succeeds; older collections use it
