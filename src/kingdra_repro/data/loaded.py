"""Validation of what a loader returned, before training: the loader may be the user's (``_target_``)."""

from collections.abc import Sized
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.links import Links
from kingdra_repro.data.streamed import StreamedMatrix
from kingdra_repro.data.validation import check_n_clusters, checked_labels, validate_features
from kingdra_repro.errors import InputError


def checked_dataset(loaded: Any, loader: str) -> Dataset:
    """Validate what the loader named `loader` returned, and convert X and y to the types of `Dataset`.

    Raises
    ------
    InputError
        If it is not a `Dataset`, or an attribute is not as `Dataset` documents it.
    """
    if not isinstance(loaded, Dataset):
        raise InputError(f"{loader} must return a kingdra_repro.data.Dataset; got {type(loaded).__name__}")
    try:
        return _checked(loaded)
    except InputError as error:
        raise InputError(f"what {loader} returned cannot be clustered: {error}") from error


def _checked(data: Dataset) -> Dataset:
    X = data.X if isinstance(data.X, StreamedMatrix) else validate_features(data.X)
    n, d = X.shape
    check_n_clusters(data.n_clusters, n)
    y = checked_labels(data.y, n)
    _check_given(data.given, n, data.n_clusters)
    if data.links is not None:
        if not isinstance(data.links, Links):
            raise InputError("links must be kingdra_repro.data.links.Links.of(n, must_link, cannot_link)")
        Links.of(n, **vars(data.links))
    if data.image_shape is not None and prod(data.image_shape) != d:
        raise InputError(f"image_shape must be that of a row of {d} numbers; got {data.image_shape}")
    names: dict[str, tuple[Sized | None, int]] = {
        "feature_names": (data.feature_names, d),
        "row_names": (data.row_names, n),
        "table": (data.table, n),
    }
    for name, (values, length) in names.items():
        if values is not None and len(values) != length:
            raise InputError(
                f"{name} must have {length} entries, as X of {n} rows and {d} columns has; got {len(values)}"
            )
    classes = [int(one.max()) + 1 for one in (y, data.given) if one is not None]
    if data.class_names is not None and len(data.class_names) < max(classes, default=0):
        raise InputError(
            f"class_names must have {max(classes)} entries, one for each class; got {len(data.class_names)}"
        )
    return replace(data, X=X, y=y)


def _check_given(given: Any, n: int, n_clusters: int) -> None:
    if given is None:
        return
    fits = isinstance(given, np.ndarray) and given.shape == (n,) and given.dtype.kind == "i"
    if not fits or given.min() < -1 or given.max() >= n_clusters:
        raise InputError(
            f"given must be an int64 array [{n}] of classes from 0 to {n_clusters - 1}, -1 where not known"
        )
