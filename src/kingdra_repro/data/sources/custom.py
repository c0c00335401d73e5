"""The loader of a user's own data: arrays, tables, texts, pictures."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import config_context

from kingdra_repro.checks import given_path, invalid_value
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.features.extraction import Extraction
from kingdra_repro.data.features.table_settings import TableSettings, non_default_fields
from kingdra_repro.data.features.table_vectorizer import TableVectorizer
from kingdra_repro.data.features.tfidf import TextVectorizer
from kingdra_repro.data.formats.labels import encode_given, encode_labels
from kingdra_repro.data.formats.tables import TABLE_ENDINGS, is_table, table_name, text_settings
from kingdra_repro.data.formats.text_format import TextFormat
from kingdra_repro.data.links import closure, propagate_labels
from kingdra_repro.data.sources.custom_array import ENDINGS, array_features
from kingdra_repro.data.sources.custom_folder import folder_features
from kingdra_repro.data.sources.custom_labels import read_given, read_labels
from kingdra_repro.data.sources.custom_links import read_links
from kingdra_repro.data.sources.custom_parquet import parquet_features, streamed_table
from kingdra_repro.data.sources.custom_scaled import validate_and_scale
from kingdra_repro.data.sources.custom_streamed import check_stream
from kingdra_repro.data.sources.custom_table import column_names, table_features
from kingdra_repro.data.sources.preprocessing import Preprocessing
from kingdra_repro.errors import InputError, format_names

# Groups of settings: the class that takes them, and the data they apply to.
GROUPS: dict[str, tuple[type, str]] = {
    "words": (TextVectorizer, "texts"),
    "pictures": (Extraction, "a folder of pictures"),
}
SCALES = ("auto", None, "minmax", "standard")


@config_context(transform_output="default")  # arrays, whatever the caller has set
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
    drop: Sequence[str] | str | None = None,
    id: str | None = None,
    missing: str = "error",
    categories: str = "error",
    dates: str = "ignore",
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: str = "auto",
    given: str | os.PathLike | None = None,
    links: str | os.PathLike | None = None,
    image_shape: Sequence[int] | None = None,
    keep_columns: bool = False,
    stream: bool | str = "auto",
    buffer_rows: int | None = None,
) -> Dataset:
    """Load a user's own data from a file, or from a folder of texts, pictures or Parquet files.

    Parameters
    ----------
    path : path
        - ``.npy``: an array [n, d], or of pictures [n, height, width] or [n, height, width, channels];
        - ``.npz``: such an array ``X`` and optionally ``y`` [n], or a scipy sparse matrix, kept sparse;
        - ``.mat``: a Matlab file with ``fea`` and ``gnd`` or ``X`` and ``Y``; ``.h5``: a JULE file (see
          `read_jule`);
        - ``.csv``, ``.tsv``, ``.txt``, ``.parquet``, ``.feather``, ``.xlsx``, ``.jsonl``, also compressed as
          ``.gz``, ``.zst`` or ``.zip``: a table whose columns become features (see `TableVectorizer`), or
          that has a column of texts;
        - a folder of Parquet files with the same columns;
        - a folder of texts, or of pictures (png, jpg...): one row per file, sorted by file name. If all files
          are in subfolders, the subfolders' names are the labels.
    labels : str, path or None
        A column of the table, or a file with one label per row (.npy, or a .csv with one column).
    n_clusters : int or None
        Number of clusters to find; None: as many as there are distinct labels.
    scale : {"auto", None, "minmax", "standard"}
        "minmax" scales each column to 0-1, "standard" to mean 0 and variance 1, None leaves values unchanged.
        "auto" is "standard" for a table, whose columns have different units (years, euros), so that the
        networks' noise would drown the small ones. It is not "minmax", under which one outlier squeezes all
        other values of a column. Any other data are assumed to be features on a common scale (pixels, tf-idf,
        embeddings), which column scaling would spoil, and are left unchanged, except that an array of uint8
        is taken for pixels and divided by 255.
    columns : sequence of str, str or None
        The column or columns of a table to cluster by; None: all except labels (``labels``, ``given``),
        ``id``, row numbers, dates (see ``dates``), and empty or constant columns; for a streamed table, all
        except labels and row numbers.
    text : str or None
        The column of a table that holds texts. If given, only its words are used for clustering.
    words : mapping or None
        Settings of `TextVectorizer` (``n_words``, ``stop_words``, ``row_length``), for texts.
    pictures : mapping or None
        Settings of `PictureVectorizer` (``resize``, ``weights``, ``device``, ``batch_size``, ``precision``,
        ``dtype``), for pictures.
    data_dir, mirror : path or None
        The folder for features of pictures and copies of streamed files, and a source of network weights; as
        for `fetch`.
    drop : sequence of str, str or None
        Columns of a table to leave out.
    id : str or None
        The column of a table with the rows' names, which are kept for the output.
    missing, categories, dates : str
        How missing cells, words and dates of a table are handled: see `TableSettings`.
    separator, decimal, encoding, header : str or None
        How a table is written as text: see `TextFormat`.
    given : str, path or None
        Labels to learn from, as for ``labels``, or a run's ask.csv; blank or -1 where unknown.
    links : path or None
        A table of pairs that a method may learn from; see `read_links`.
    image_shape : (height, width) or (height, width, 3), or None
        Shape of the pictures if the rows of an array [n, d] are pictures.
    keep_columns : bool
        Whether a run writes the columns of a table to its output. The loader only checks that there is a
        table; it always returns it.
    stream : {"auto", True, False}
        Whether a .npy file, a CSR matrix in a .npz file or Parquet stays on disk, so that X is a
        `StreamedMatrix`; "auto": if it would take more than half of the available memory. A folder of Parquet
        files is always streamed.
    buffer_rows : int or None
        Number of rows of a streamed file that training shuffles at once; None: as many as take 256 MB.

    Returns
    -------
    Dataset
        Named after the file or folder. X float32 [n, d], dense or CSR; y int64 [n] or None.

    Raises
    ------
    InputError
        If the file cannot be read, labels do not fit, neither labels nor `n_clusters` are given, a setting
        does not apply to the data, or `validate` rejects the values.
    """
    path = given_path("path", path)
    names = {"labels": labels, "given": given, "text": text, "id": id, "links": links}
    labels, given, text, id, links = (
        None if value is None else str(given_path(name, value)) for name, value in names.items()
    )
    text_format = TextFormat(separator, decimal, encoding, header)
    table_settings = TableSettings(
        None if columns is None else column_names("columns", columns),
        () if drop is None else tuple(column_names("drop", drop)),
        missing,
        categories,
        dates,
    )
    groups = {"words": words, "pictures": pictures}
    for name, group in groups.items():
        keys = signature(GROUPS[name][0]).parameters
        if not isinstance(group, Mapping | None):
            raise InputError(
                f"dataset.{name}={group!r} is a group of settings: give dataset.{name}.NAME=VALUE"
            )
        if unknown := [key for key in group or () if key not in keys]:
            raise InputError(f"dataset.{name}.{unknown[0]} is not a setting: there are {', '.join(keys)}")
    check_stream(stream, buffer_rows)
    if scale not in SCALES:
        raise invalid_value("auto, null, minmax or standard", "dataset.scale", scale)
    path = _existing(path)
    of_tables = {"text": text, "id": id, "keep_columns": "true" if keep_columns else None}
    of_tables = {name: value for name, value in of_tables.items() if value is not None}
    of_tables |= non_default_fields(table_settings)
    if (table := streamed_table(path, stream)) is not None:
        in_memory = {name: value for name, value in of_tables.items() if name not in ("columns", "drop")}
        use = f"tables in memory, not for {path}, which is streamed"
        _refuse(in_memory, use, f"leave it out, or {table.in_memory_hint}")
        raw = parquet_features(table, labels, given, table_settings, buffer_rows, data_dir)
    elif path.is_dir():
        raw = folder_features(path, words or {}, pictures or {}, n_clusters, data_dir, mirror)
    elif path.suffix.lower() in ENDINGS:
        raw = array_features(path, scale, image_shape, stream, buffer_rows, data_dir)
    elif is_table(path):
        raw = table_features(path, labels, given, text, id, table_settings, text_format, words or {})
    else:
        kinds = ", ".join(ENDINGS + TABLE_ENDINGS)
        raise InputError(f"dataset.path={path} has an unknown format: give a {kinds} file or a folder")
    for name, group in groups.items():
        kind, use = GROUPS[name]
        usual = signature(kind).parameters
        if not isinstance(raw.vectorizer, kind):
            of_others = {
                f"{name}.{key}": value
                for key, value in (group or {}).items()
                if key not in ("device", "batch_size") and value != usual[key].default
            }
            _refuse(of_others, f"{use}, not for {path}")
    of_a_table = table is not None or (is_table(path) and not path.is_dir())
    if not of_a_table:
        _refuse(of_tables | non_default_fields(text_format), f"tables, not for {path}")
    known = () if table is not None else text_settings(path)
    without_effect = {
        name: value for name, value in non_default_fields(text_format).items() if name not in known
    }
    _refuse(without_effect, f"tables in text files, not for {path}")
    if image_shape is not None and path.suffix.lower() not in ENDINGS:
        _refuse({"image_shape": image_shape}, f"arrays, not for {path}")

    found_labels, source = raw.labels, str(path)
    rows = np.arange(raw.X.shape[0]) if raw.rows is None else raw.rows
    n_rows = len(rows) if raw.table is None else len(raw.table)
    cells = None if raw.table is None else raw.table.iloc[rows]
    if labels is not None and (raw.labels is None or not of_a_table):  # a file, not a column
        found_labels, source = read_labels("labels", labels, rows, n_rows), f"dataset.labels={labels}"
    found_given = raw.given
    if given is not None and found_given is None:
        found_given = read_given(given, raw.row_names, rows, n_rows, cells)
    y, class_names = None, None
    if found_labels is not None:
        y, class_names = encode_labels(found_labels.values, source, found_labels.written, found_labels.rows)
    given_classes: np.ndarray | None = None
    found_links = None
    if found_given is not None:
        source = f"dataset.given={given}"
        y, given_classes, class_names = encode_given(found_labels, found_given, source)
    if links is not None:
        found_links = read_links(Path(links).expanduser(), raw.row_names, raw.X.shape[0], cells)
        closed = closure(raw.X.shape[0], found_links, raw.row_names)
        if given_classes is not None:
            given_classes = propagate_labels(given_classes, closed, class_names, raw.row_names)
    if n_clusters is None:
        if class_names is None:
            raise InputError(f"{path.name} has no labels to count: give n_clusters=K, or dataset.labels=...")
        n_clusters = len(class_names)
        if n_clusters < 2:
            raise InputError(f"{source} has fewer than two classes: give n_clusters=K")
    if (
        given_classes is not None
        and class_names is not None
        and (most := int(given_classes.max()) + 1) > n_clusters
    ):
        both = "dataset.given" if found_labels is None else "dataset.given and dataset.labels"
        raise InputError(
            f"n_clusters={n_clusters} is less than the classes of {both}, {len(class_names)} "
            f"({format_names(class_names)}): correct a name, or give at least {most}"
        )
    if scale == "auto":
        scale = "standard" if isinstance(raw.vectorizer, TableVectorizer) else None
    X, y, scaler = validate_and_scale(raw, y, n_clusters, scale)
    if raw.table is not None:  # further files are read with the signs and names, or none, of this one
        text_format = replace(text_format, **raw.table.attrs.get("found", {}))
    preprocessing = Preprocessing(raw.vectorizer, text_format, id, scaler, raw.pixels, text)
    return Dataset(
        path.name if path.is_dir() else table_name(path),
        X,
        y,
        n_clusters,
        image_shape=raw.image_shape,
        feature_names=raw.feature_names,
        class_names=class_names,
        row_names=raw.row_names,
        pictures=raw.pictures,
        given=given_classes,
        links=found_links,
        preprocessing=preprocessing,
        table=cells,
    )


def _refuse(settings: Mapping[str, Any], use: str, remedy: str = "leave it out") -> None:
    """Raise InputError for the first of the settings, if any: they do not apply to these data."""
    for name, value in settings.items():
        raise InputError(f"dataset.{name}={value} is for {use}: {remedy}")


def _existing(path: str | os.PathLike) -> Path:
    place = Path(path).expanduser()
    if not place.exists():
        raise InputError(f"dataset.path={path} does not exist ({place.absolute()}): correct the path")
    if not place.is_file() and not place.is_dir():
        raise InputError(f"dataset.path={path} is neither a file nor a folder: give one of these")
    return place
