"""A user's file of more rows than memory holds: whether it is, what is found in it, and how it is scaled."""

import logging
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from kingdra_repro.checks import is_integer, must_be
from kingdra_repro.data.formats.memory import available_bytes
from kingdra_repro.data.scaling import new_scaler
from kingdra_repro.data.streamed import StreamedMatrix, ahead, streamed_npy
from kingdra_repro.data.validation import (
    NUMBERS_AT_ONCE,
    check_finite,
    check_magnitude,
    check_spread_of,
    warn_of_constant_columns,
    warn_of_large_values,
    warn_of_small_values,
)
from kingdra_repro.errors import InputError

log = logging.getLogger(__name__)

AUTO = "auto"


def check_stream(stream: Any, buffer_rows: Any) -> None:
    """Raise InputError for settings that are none."""
    if stream not in (AUTO, True, False):
        raise must_be("auto, true or false", "dataset.stream", stream)
    if buffer_rows is not None and not is_integer(buffer_rows, 2):
        raise must_be("an integer of at least 2, or null", "dataset.buffer_rows", buffer_rows)


def is_large(n_bytes: int) -> bool:
    """Whether data are streamed by themselves: they would take more than half of the memory there is."""
    return n_bytes > available_bytes() / 2


def streamed_array(
    path: Path, scale: str | None, stream: bool | str, buffer_rows: int | None
) -> tuple[StreamedMatrix, tuple[int, ...] | None] | None:
    """Return a .npy file's array as a matrix that stays there, and the shape of its pictures, if any.

    Parameters
    ----------
    path : Path, of a file of arrays
    scale : str or None
        "auto" divides uint8 by 255.
    stream : {"auto", True, False}
        "auto": where it would take more than half of the memory.
    buffer_rows : int or None, see `StreamedMatrix`

    Returns
    -------
    None where it is read into memory.

    Raises
    ------
    InputError
        Where ``stream=True`` is asked of what cannot be streamed.
    """
    if stream is False:
        return None
    found = streamed_npy(path) if path.suffix.lower() == ".npy" else None
    if found is None:
        if stream is True:
            raise InputError(
                f"dataset.stream=true is for Parquet and for .npy [n, d] in C's order, not for {path}: save "
                "it by numpy.save(FILE, numpy.ascontiguousarray(X)), or leave dataset.stream out"
            )
        return None
    X, picture = found
    if stream == AUTO and not is_large(4 * X.shape[0] * X.shape[1]):
        return None
    pixels = scale == AUTO and np.dtype(X.stored) == np.uint8
    return replace(X, buffer_rows=buffer_rows, pixels=pixels), picture


def validated(
    X: StreamedMatrix, scale: str | None, feature_names: Sequence[str] | None = None
) -> StreamedMatrix:
    """Look at all numbers of a matrix once, in blocks: check them as others are, and fit how to scale them.

    Parameters
    ----------
    X : StreamedMatrix [n, d]; its own scaler, if any, is kept where ``scale`` is None
    scale : {"minmax", "standard"} or None, see `kingdra_repro.data.scaling.fit_scaler`
    feature_names : sequence of str [d] or None

    Raises
    ------
    InputError
        For what `kingdra_repro.data.validate` refuses.
    """
    n, d = X.shape
    plain, stored = replace(X, scaler=None), np.dtype(X.stored)
    scaler = None if scale is None else new_scaler(scale)
    # What float32 does not hold is told by its spread, unless it is scaled before it becomes float32.
    is_scaled = X.pixels or scaler is not None or X.scaler is not None
    exact = is_scaled or stored.itemsize < 4 or stored == np.float32
    spread = None if exact else StandardScaler()
    lowest = highest = np.empty(0)
    checksum, size = 0, max(1, NUMBERS_AT_ONCE // d)
    starts = range(0, n, size)
    for start, numbers in zip(
        starts, ahead(X.read(start, min(start + size, n)) for start in starts), strict=True
    ):
        checksum = zlib.crc32(memoryview(numbers.data).cast("B"), checksum)
        features = plain.features(numbers)
        check_finite(features, feature_names, start)
        low, high = numbers.min(axis=0), numbers.max(axis=0)
        lowest = low if start == 0 else np.minimum(lowest, low)
        highest = high if start == 0 else np.maximum(highest, high)
        for fitted in (scaler, spread):
            if fitted is not None:
                fitted.partial_fit(features if stored.itemsize < 4 else numbers)
    if spread is not None:
        check_spread_of(lowest, highest, np.sqrt(spread.var_), lambda i: spread.mean_[i], feature_names)
    X = replace(X, scaler=scaler or X.scaler, checksum=f"{checksum:08x}")
    extremes = X.features(np.stack([lowest, highest]))
    check_magnitude(extremes)
    warn_of_constant_columns(extremes, feature_names)
    warn_of_large_values(extremes)
    warn_of_small_values(extremes)
    parts = -(-n // X.rows_of_a_buffer)
    log.warning(
        "%s x %s numbers (%.1f GB) stay in their file; training shuffles %s rows at once, %s",
        f"{n:,}",
        f"{d:,}",
        n * d * stored.itemsize / 1e9,
        f"{X.rows_of_a_buffer:,}",
        "all of them" if parts == 1 else f"of {parts} buffers",
    )
    return X
