"""A user's folder of texts or of pictures, as features."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from kingdra_repro.data.features.image_features import image_features
from kingdra_repro.data.features.pictures import PICTURE_ENDINGS, PictureFiles
from kingdra_repro.data.features.tfidf import tfidf
from kingdra_repro.data.sources.file_folder import files_and_classes
from kingdra_repro.errors import InputError


@dataclass(frozen=True)
class FolderFeatures:
    """What a folder holds.

    Attributes
    ----------
    X : ndarray [n, 2048] or CSR matrix [n, d]
        A row for each file, in the order of their names.
    classes : list of str or None
        Names of the subfolders that the files are in.
    names : list of str [n]
        The files' paths below the folder.
    words : list of str [d] or None, of texts
    pictures : PictureFiles or None
    """

    X: np.ndarray | sp.csr_matrix
    classes: list[str] | None
    names: list[str]
    words: list[str] | None = None
    pictures: PictureFiles | None = None


def folder_features(
    folder: Path,
    words: Mapping[str, Any],
    pictures: Mapping[str, Any],
    data_dir: str | os.PathLike | None,
    mirror: str | os.PathLike | None,
) -> FolderFeatures:
    """Features of the files of a folder: ResNet-50 where all are pictures, tf-idf where none is.

    Parameters
    ----------
    folder : Path
    words : mapping
        Settings of `tfidf`.
    pictures : mapping
        Settings of `image_features`. Features of pictures are kept in the data folder; a picture that has
        changed is noticed by its size or time.
    data_dir, mirror : path or None
        As for `fetch`.

    Returns
    -------
    FolderFeatures

    Raises
    ------
    InputError
        Where there are no files, or pictures and other files, or a file is broken.
    """
    files, classes = files_and_classes(folder)
    names = [file.relative_to(folder).as_posix() for file in files]
    others = [file for file in files if file.suffix.lower() not in PICTURE_ENDINGS]
    if not others:
        stats = [file.stat() for file in files]
        are = [[name, stat.st_size, stat.st_mtime_ns] for name, stat in zip(names, stats, strict=True)]
        shown = PictureFiles(files)
        found = image_features(
            "custom",
            lambda: (shown, None),
            pictures_are=repr((str(folder.absolute()), are)),
            data_dir=data_dir,
            mirror=mirror,
            **pictures,
        )
        return FolderFeatures(found.X, classes, names, pictures=shown)
    if len(others) < len(files):
        raise InputError(f"{folder} holds pictures and other files ({others[0].name}): give each a folder")
    texts = [_text(file) for file in files]
    X_words, vocabulary = tfidf(texts, **words)
    return FolderFeatures(X_words, classes, names, words=vocabulary)


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror}): correct its permissions") from error
    if b"\0" in content:
        raise InputError(f"{file} is neither a text nor a picture: remove it from the folder")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # never refused; older collections are written so
