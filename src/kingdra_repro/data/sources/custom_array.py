"""Features and labels from a user's array file, which holds features or pictures."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from kingdra_repro.checks import is_integer
from kingdra_repro.data.formats.arrays import ARRAY_ENDINGS, read_mat, read_npy, read_npz
from kingdra_repro.data.formats.jule import HDF5_ENDINGS, read_jule
from kingdra_repro.data.formats.labels import Labels
from kingdra_repro.data.sources.custom_streamed import streamed_array
from kingdra_repro.data.sources.raw_data import RawData
from kingdra_repro.data.streamed import Matrix, is_sparse
from kingdra_repro.errors import InputError

ENDINGS = ARRAY_ENDINGS + HDF5_ENDINGS
CHANNELS = (1, 3)  # of pictures: grey, or red, green and blue


def array_features(
    path: Path,
    scale: str | None,
    image_shape: Any = None,
    stream: bool | str = False,
    buffer_rows: int | None = None,
    data_dir: Any = None,
) -> RawData:
    """Return the features and labels of an array file.

    Parameters
    ----------
    path : Path, of one of `ENDINGS`
        Features [n, d], or pictures [n, height, width], [n, height, width, channels] or, as in JULE's files,
        [n, channels, height, width], with one channel or three.
    scale : str or None
        "auto" divides uint8 by 255.
    image_shape : (height, width) or (height, width, 3), or None
        Shape of the pictures if the rows of an array [n, d] are pictures.
    stream, buffer_rows, data_dir : see `streamed_array`

    Raises
    ------
    InputError
        If the file cannot be read, or holds neither features nor pictures.
    """
    raw = streamed_array(path, scale, stream, buffer_rows, data_dir)
    if raw is None:
        match path.suffix.lower():
            case ".npz":
                X, labels = read_npz(path)
            case ".mat":
                X, labels = read_mat(path)
            case ".npy":
                X, labels = read_npy(path), None
            case _:
                X, labels = read_jule(path)
        raw = features_of(X, scale, path)
        raw = raw if labels is None else replace(raw, labels=Labels(labels))
    if image_shape is not None:
        shape = _checked(image_shape, raw.X, path)
        if raw.image_shape not in (None, shape):
            raise InputError(
                f"dataset.image_shape={list(shape)} differs from the pictures in {path}, which have "
                f"{list(raw.image_shape)}: correct it, or leave it out"
            )
        raw = replace(raw, image_shape=shape)
    return raw


def features_of(X: np.ndarray | sp.csr_matrix, scale: str | None, source: Path | str) -> RawData:
    """Return an array as features, with each picture flattened to a row; see `array_features`."""
    if pixels := scale == "auto" and X.dtype == np.uint8:
        X = X.astype(np.float32) / np.float32(255)
    if not X.ndim:
        raise InputError(f"{source} holds a single value, no rows: give an array [n, d]")
    if X.ndim in (3, 4) and not sp.issparse(X):
        X, image_shape = _flat(X, source)
        return RawData(X, image_shape=image_shape, pixels=pixels)
    return RawData(X, pixels=pixels)


def _flat(X: np.ndarray, source: Path | str) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return pictures as rows, with channels last, and the shape of a picture."""
    if X.ndim == 4 and X.shape[3] not in CHANNELS:
        if X.shape[1] not in CHANNELS:
            raise InputError(
                f"{source} holds pictures of shape {X.shape[1:]}: "
                "give them one channel or three, first or last"
            )
        X = np.moveaxis(X, 1, 3)
    shape = X.shape[1:3] if X.ndim == 3 or X.shape[3] == 1 else X.shape[1:]
    return np.ascontiguousarray(X).reshape(len(X), -1), tuple(int(side) for side in shape)


def _checked(shape: Any, X: Matrix, path: Path) -> tuple[int, ...]:
    whole = (
        isinstance(shape, Sequence) and len(shape) in (2, 3) and all(is_integer(side, 1) for side in shape)
    )
    if not whole or (len(shape) == 3 and shape[2] != 3):
        raise InputError(f"dataset.image_shape={shape!r} must be [height, width] or [height, width, 3]")
    if X.ndim != 2 or math.prod(shape) != X.shape[1]:
        raise InputError(
            f"dataset.image_shape={list(shape)} has {math.prod(shape)} numbers, but {path} holds {X.shape}: "
            "correct it, or leave it out"
        )
    if is_sparse(X):
        raise InputError(
            f"dataset.image_shape is not for sparse matrices, as {path} holds one: save it by "
            "numpy.save(FILE, X.toarray()), or leave dataset.image_shape out"
        )
    return tuple(int(side) for side in shape)
