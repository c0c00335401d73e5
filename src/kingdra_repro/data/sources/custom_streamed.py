"""Streaming of a user's matrix that does not fit in memory: the decision, validation and scaling."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import StandardScaler

from kingdra_repro.checks import invalid_value, is_integer
from kingdra_repro.data.formats.arrays import unreadable
from kingdra_repro.data.formats.memory import available_bytes
from kingdra_repro.data.formats.stored_csr import StoredCSR, open_csr
from kingdra_repro.data.formats.stored_rows import StoredRows, open_npy
from kingdra_repro.data.scaling import new_scaler
from kingdra_repro.data.sources.raw_data import RawData
from kingdra_repro.data.streamed import StreamedMatrix, prefetch
from kingdra_repro.data.validation import (
    NUMBERS_AT_ONCE,
    check_finite,
    check_magnitude,
    check_spread_of,
    extremes_of_columns,
    warn_of_constant_columns,
    warn_of_large_values,
    warn_of_small_values,
)
from kingdra_repro.errors import InputError

AUTO = "auto"
MIN_BUFFER_ROWS = 32  # rows; with fewer, a batch might have a single row


def check_stream(stream: Any, buffer_rows: Any) -> None:
    """Raise InputError if `stream` or `buffer_rows` has an invalid value."""
    if not isinstance(stream, bool) and stream != AUTO:  # 0 and 1 equal False and True
        raise invalid_value("auto, true or false", "dataset.stream", stream)
    if buffer_rows is not None and not is_integer(buffer_rows, MIN_BUFFER_ROWS):
        raise invalid_value(
            f"an integer of at least {MIN_BUFFER_ROWS}, or null", "dataset.buffer_rows", buffer_rows
        )


def is_large(n_bytes: int) -> bool:
    """Return whether "auto" streams data of this size: if it exceeds half of the available memory."""
    return n_bytes > available_bytes() / 2


def streamed_array(
    path: Path, scale: str | None, stream: bool | str, buffer_rows: int | None, data_dir: Any = None
) -> RawData | None:
    """Return the array of a .npy file, or the CSR matrix of a .npz file, as a matrix that stays on disk.

    None if the file is to be read into memory.

    Parameters
    ----------
    path : Path, an array file
    scale : str or None
        "auto" divides uint8 by 255.
    stream : {"auto", True, False}
        "auto": if it would take more than half of the available memory.
    buffer_rows : int or None, see `StreamedMatrix`
    data_dir : path or None
        The folder in which a compressed .npz is unpacked.

    Raises
    ------
    InputError
        If ``stream=True`` and the file cannot be streamed, or a compressed file cannot be unpacked.
    """
    if stream is False:
        return None
    rows: StoredRows | StoredCSR | None = None
    picture = None
    if path.suffix.lower() == ".npy" and (array := open_npy(path)) is not None:
        rows, picture = array
    elif path.suffix.lower() == ".npz":
        rows = open_csr(path)
    if rows is None:
        if stream is True:
            raise _cannot_stream(path)
        return None
    if stream == AUTO and not is_large(rows.bytes_per_row * rows.shape[0]):
        return None
    if isinstance(rows, StoredCSR):
        rows = rows.unpacked(data_dir)
    pixels = scale == AUTO and rows.dtype == np.uint8
    matrix = StreamedMatrix(rows, buffer_rows=buffer_rows, pixels=pixels)
    return RawData(matrix, image_shape=picture, pixels=pixels)


def _cannot_stream(path: Path) -> InputError:
    """Return the error for a file that cannot be streamed: unreadable, no rows of numbers, another layout."""
    if path.suffix.lower() == ".npy":
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except Exception as error:  # NumPy's reader fails in many ways on bytes that it did not write
            return unreadable(path, error)
        if array.dtype.kind not in "fiub":
            return InputError(f"{path} holds {array.dtype}: give an array of numbers")
        if array.ndim not in (2, 3, 4) or 0 in array.shape:
            return InputError(f"{path} has the shape {array.shape}: give an array [n, d] with rows")
    return InputError(
        "dataset.stream=true is for Parquet, .npy [n, d] in C's order and .npz of a CSR matrix, not for "
        f"{path}: save it by numpy.save(FILE, numpy.ascontiguousarray(X)), a sparse one by "
        "scipy.sparse.save_npz(FILE, X.tocsr()), or leave dataset.stream out"
    )


def validate_streamed(
    X: StreamedMatrix, scale: str | None, feature_names: Sequence[str] | None = None
) -> StreamedMatrix:
    """Validate a streamed matrix and fit its scaler, in one pass over all numbers, block by block.

    Parameters
    ----------
    X : StreamedMatrix [n, d]; its own scaler, if any, is kept if ``scale`` is None
    scale : {"minmax", "standard"} or None, see `kingdra_repro.data.scaling.fit_scaler`
    feature_names : sequence of str [d] or None

    Raises
    ------
    InputError
        If `kingdra_repro.data.validate` would reject the matrix.
    """
    n = len(X)
    plain, dtype = replace(X, scaler=None), X.stored.dtype
    scaler = None if scale is None else new_scaler(scale, sparse=X.is_sparse)
    # What float32 cannot resolve is detected by the spread, unless values are scaled before the conversion.
    is_scaled = X.pixels or scaler is not None or X.scaler is not None
    exact = is_scaled or X.is_sparse or dtype.itemsize < 4 or dtype == np.float32
    spread = None if exact else StandardScaler()
    lowest = highest = np.empty(0)
    checksums, size = [0, 0, 0], max(1, 4 * NUMBERS_AT_ONCE // X.stored.bytes_per_row)
    starts = range(0, n, size)
    for start, numbers in zip(
        starts, prefetch(X.stored.read(start, min(start + size, n)) for start in starts), strict=True
    ):
        checksums = [
            zlib.crc32(part.data, before) for part, before in zip(_parts(numbers), checksums, strict=False)
        ]
        features = plain.features(numbers)
        check_finite(features, feature_names, start)
        low, high = extremes_of_columns(numbers)
        lowest = low if start == 0 else np.minimum(lowest, low)
        highest = high if start == 0 else np.maximum(highest, high)
        for fitted in (scaler, spread):
            if fitted is not None:
                fitted.partial_fit(features if dtype == np.float16 else numbers)
    if spread is not None:
        check_spread_of(lowest, highest, np.sqrt(spread.var_), lambda i: spread.mean_[i], feature_names)
    X = replace(X, scaler=scaler or X.scaler, checksum="".join(f"{each:08x}" for each in checksums))
    extremes = np.asarray(X.features(np.stack([lowest, highest])))
    check_magnitude(extremes)
    warn_of_constant_columns(extremes, feature_names)
    warn_of_large_values(extremes, scale)
    warn_of_small_values(extremes)
    return X


def _parts(numbers: np.ndarray | sp.csr_matrix) -> list[np.ndarray]:
    """Return a block as arrays whose concatenation over all blocks does not depend on the block size."""
    if isinstance(numbers, np.ndarray):
        return [numbers]
    return [numbers.data, numbers.indices, np.diff(numbers.indptr)]
