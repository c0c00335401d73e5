"""The user's own data: arrays, tables, texts, pictures."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from kingdra_repro.checks import given_path
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.features.pictures import PictureFiles
from kingdra_repro.data.features.tfidf import tfidf
from kingdra_repro.data.formats.arrays import ARRAY_ENDINGS, read_npy, read_npz
from kingdra_repro.data.formats.labels import encode_labels, label_names
from kingdra_repro.data.formats.tables import TABLE_ENDINGS, listed, numeric_columns, read_table, text_column
from kingdra_repro.data.scaling import scale_columns
from kingdra_repro.data.sources.custom_folder import folder_features
from kingdra_repro.data.validation import check_spread, validate, warn_of_constant_columns
from kingdra_repro.errors import InputError

log = logging.getLogger(__name__)

WORDS = ("n_words", "stop_words", "row_length")  # settings of tf-idf
PICTURES = ("resize", "weights", "device", "batch_size", "precision", "dtype")  # and of image_features

# The networks' noise and learning rates are meant for values of about 1.
LARGE_VALUE = 10


def load_custom(
    path: str | os.PathLike,
    labels: str | os.PathLike | None = None,
    n_clusters: int | None = None,
    scale: str | None = "auto",
    columns: Sequence[str] | str | None = None,
    text: str | None = None,
    words: Mapping[str, Any] | None = None,
    pictures: Mapping[str, Any] | None = None,
    data_dir: str | os.PathLike | None = None,
    mirror: str | os.PathLike | None = None,
) -> Dataset:
    """Load the user's own data from a file, or from a folder of texts or pictures.

    Parameters
    ----------
    path : path
        - ``.npy``: an array [n, d];
        - ``.npz``: an array ``X`` [n, d] and optionally ``y`` [n], or a scipy sparse matrix, kept sparse;
        - ``.csv``, ``.parquet``: a table with column names, all of them numeric but that of the labels, or
          with a column of texts;
        - a folder of texts, or of pictures (png, jpg...): one file a row, in the order of their names. Where
          all files are in subfolders, the subfolders' names are the labels.
    labels : str, path or None
        The name of a column of the table, or a file of one label a row (.npy, or a .csv of one column).
    n_clusters : int or None
        Number of clusters to find; None: as many as there are distinct labels.
    scale : {"auto", None, "minmax", "standard"}
        "minmax" brings each column to 0-1, "standard" to mean 0 and variance 1, None leaves the values.
        "auto" is "standard" for a table, whose columns come in units of their own (years, euros), so that
        the noise of the networks would drown the small ones; "standard" and not "minmax", since one outlier
        squeezes all other values of a column under "minmax". Anything else is taken for features that were
        made to be comparable (pixels, tf-idf, embeddings), which scaling by column would spoil, and is left
        as it is; but an array of uint8 is taken for pixels and divided by 255.
    columns : sequence of str, str or None
        The columns of a table to cluster by, or the only one; None: all but that of the labels.
    text : str or None
        The column of a table that holds texts; they are then clustered by their words alone.
    words : mapping or None
        Settings of `tfidf` (``n_words``, ``stop_words``, ``row_length``), for texts.
    pictures : mapping or None
        Settings of `image_features` (``resize``, ``weights``, ``device``, ``batch_size``, ``precision``,
        ``dtype``), for pictures.
    data_dir, mirror : path or None
        Where features of pictures are kept, and where a network's weights may be; as for `fetch`.

    Returns
    -------
    Dataset
        Named after the file or folder. X float32 [n, d], dense or CSR; y int64 [n] or None.

    Raises
    ------
    InputError
        Where the file is missing or unreadable, has columns that are not numbers, the labels do not fit,
        there are neither labels nor `n_clusters`, or `validate` finds fault with the values.
    """
    path, labels = given_path("path", path), None if labels is None else given_path("labels", labels)
    text = None if text is None else str(given_path("text", text))
    columns = None if columns is None else _names(columns)
    for name, settings, known in (("words", words, WORDS), ("pictures", pictures, PICTURES)):
        if not isinstance(settings, Mapping | None):
            raise InputError(
                f"dataset.{name}={settings!r} is a group of settings: give dataset.{name}.NAME=VALUE"
            )
        if unknown := [key for key in settings or () if key not in known]:
            raise InputError(f"dataset.{name}.{unknown[0]} is not a setting: there are {', '.join(known)}")
    path = _existing(path)
    if path.is_dir():
        found = _from_folder(path, words or {}, pictures or {}, data_dir, mirror)
    elif path.suffix.lower() in TABLE_ENDINGS:
        found = _from_table(path, labels, columns, text, words or {})
    elif path.suffix.lower() in ARRAY_ENDINGS:
        found = _from_array(path, scale)
    else:
        kinds = ", ".join(ARRAY_ENDINGS + TABLE_ENDINGS)
        raise InputError(f"dataset.path={path} is of no kind known: give a {kinds} file or a folder")
    if path.suffix.lower() not in TABLE_ENDINGS and (columns is not None or text is not None):
        setting = f"columns={list(columns)}" if columns is not None else f"text={text}"
        raise InputError(f"dataset.{setting} is for tables, not for {path}: leave it out")

    given, source = found.labels, str(path)
    if labels is not None and not found.labels_are_a_column:
        given, source = _read_labels(labels), f"dataset.labels={labels}"
    y = None if given is None else encode_labels(given, source)
    class_names = None if given is None else label_names(given)
    if n_clusters is None:
        if y is None:
            raise InputError(f"{path.name} has no labels to count: give n_clusters=K, or dataset.labels=...")
        n_clusters = len(np.unique(y))
        if n_clusters < 2:
            raise InputError(f"{source} has fewer than two classes: give n_clusters=K")
    scale = found.auto_scale if scale == "auto" else scale
    X, y = validate(found.X, y, n_clusters, feature_names=found.names)
    if scale is None:
        check_spread(found.X, found.names)
    else:
        # Of the numbers as they were read: float32 keeps little of a column that varies about a large mean.
        X = scale_columns(found.X, scale).astype(np.float32)
    warn_of_constant_columns(X, found.names)
    _warn_of_large_values(X)
    return Dataset(
        path.stem,
        X,
        y,
        n_clusters,
        feature_names=found.names,
        class_names=class_names,
        row_names=found.row_names,
        pictures=found.pictures,
    )


@dataclass(frozen=True)
class _Found:
    """What a file or folder holds."""

    X: np.ndarray | sp.csr_matrix
    labels: Any = None
    labels_are_a_column: bool = False
    names: list[str] | None = None  # of the columns
    auto_scale: str | None = None  # what scale="auto" means for it
    row_names: list[str] | None = None
    pictures: PictureFiles | None = None


def _from_folder(
    path: Path,
    words: Mapping[str, Any],
    pictures: Mapping[str, Any],
    data_dir: str | os.PathLike | None,
    mirror: str | os.PathLike | None,
) -> _Found:
    found = folder_features(path, words, pictures, data_dir, mirror)
    return _Found(found.X, found.classes, names=found.words, row_names=found.names, pictures=found.pictures)


def _from_table(
    path: Path,
    labels: str | os.PathLike | None,
    columns: Sequence[str] | None,
    text: str | None,
    words: Mapping[str, Any],
) -> _Found:
    table = read_table(path)
    column = None
    if labels is not None and columns is not None and str(labels) in columns:
        raise InputError(f"dataset.columns has {str(labels)!r}, which is dataset.labels: leave it out of one")
    if labels is not None and str(labels) in table.columns:
        column = table.pop(str(labels))
    elif labels is not None and not Path(labels).expanduser().is_file():
        raise InputError(
            f"dataset.labels={labels} is neither a file nor one of {path}'s columns: {listed(table.columns)}"
        )
    if text is not None and text == labels:
        raise InputError(f"dataset.text={text} is dataset.labels, too: leave it out of one")
    if text is not None and columns is not None:
        raise InputError(f"dataset.columns={list(columns)} has no effect beside dataset.text: leave one out")
    if text is not None:
        X, vocabulary = tfidf(text_column(table, text, str(path)), **words)
        return _Found(X, column, column is not None, vocabulary)
    features = numeric_columns(table, columns, str(path))
    values = features.to_numpy(np.float64, na_value=np.nan)
    return _Found(values, column, column is not None, list(features.columns), "standard")


def _from_array(path: Path, scale: str | None) -> _Found:
    if path.suffix.lower() == ".npz":
        X, labels = read_npz(path)
    else:
        X, labels = read_npy(path), None
    if scale == "auto" and X.dtype == np.uint8:
        X = X.astype(np.float32) / np.float32(255)
    return _Found(X, labels)


def _names(columns: Any) -> list[str]:
    if isinstance(columns, str | int):
        return [str(columns)]
    if not isinstance(columns, Sequence):
        raise InputError(f"dataset.columns={columns!r} is no list of names: give dataset.columns=[A,B]")
    return [str(name) for name in columns]


def _existing(path: str | os.PathLike) -> Path:
    place = Path(path).expanduser()
    if not place.exists():
        raise InputError(f"dataset.path={path}: there is no such file ({place.absolute()}): correct the path")
    if not place.is_file() and not place.is_dir():
        raise InputError(f"dataset.path={path} is neither a file nor a folder: give one of these")
    return place


def _read_labels(labels: str | os.PathLike) -> Any:
    """The labels of a file of their own."""
    path = Path(labels).expanduser()
    if not path.is_file():
        raise InputError(
            f"dataset.labels={labels}: there is no such file ({path.absolute()}): correct the path"
        )
    if path.suffix.lower() == ".npy":
        return read_npy(path)
    if path.suffix.lower() in TABLE_ENDINGS:
        table = read_table(path)
        if len(table.columns) != 1:
            raise InputError(f"{path} has the columns {listed(table.columns)}: keep the one with the labels")
        return table.iloc[:, 0]
    raise InputError(f"dataset.labels={labels} is neither a .npy nor a .csv file: save the labels as one")


def _warn_of_large_values(X: np.ndarray | sp.csr_matrix) -> None:
    largest = float(max(X.max(), -X.min()))
    if largest > LARGE_VALUE:
        log.warning(
            "The values go up to %.3g, where the networks expect about 1: "
            "consider dataset.scale=minmax or dataset.scale=standard",
            largest,
        )
