"""Unpack features that mirrors store in 8 bits: x = (q / 255)^2 * max."""

import json
import os
from pathlib import Path

import numpy as np

from kingdra_repro.data.download.download import sibling_temp_dir
from kingdra_repro.data.download.fetch import fetch
from kingdra_repro.data.download.registry import registry
from kingdra_repro.data.features.prepared import finish_prepared

ROWS_AT_ONCE = 4096
EIGHT_BIT = "8-bit features"  # "source" in about.json of a folder made from 8-bit features


def unpack_features(
    dataset: str,
    target: Path,
    resize: int,
    dtype: str,
    data_dir: str | os.PathLike | None,
    mirror: str | os.PathLike | None,
) -> bool:
    """Write a prepared folder from a mirror's 8-bit features, if it has features of this picture size.

    The 8 bits encode the square root of a value, which gives the many small values a finer resolution.

    Parameters
    ----------
    dataset : str
        The data set's folder on the mirror, which contains features_u8.npy, labels.npy and features.json.
    target : Path
        The prepared folder to write.
    resize : int
    dtype : {"float32", "float16"}
    data_dir, mirror : path or None
        As for `fetch`.

    Returns
    -------
    bool
        False if the mirror's features have another picture size; nothing is written then.

    Raises
    ------
    InputError
        If the mirror does not have these files, or has wrong ones.
    """
    known = registry()
    about = json.loads(fetch(known[f"{dataset}/features.json"], data_dir, mirror).read_text())
    if about["resize"] != resize:
        return False
    packed = np.load(fetch(known[f"{dataset}/features_u8.npy"], data_dir, mirror), mmap_mode="r")
    labels = np.load(fetch(known[f"{dataset}/labels.npy"], data_dir, mirror), allow_pickle=False)
    with sibling_temp_dir(target) as temp_dir:
        part = temp_dir / target.name
        part.mkdir()
        rows = np.lib.format.open_memmap(part / "train_X.npy", "w+", np.dtype(dtype), packed.shape)
        for start in range(0, len(packed), ROWS_AT_ONCE):
            piece = packed[start : start + ROWS_AT_ONCE].astype(np.float32)
            rows[start : start + len(piece)] = (piece / 255) ** 2 * about["max"]
        rows.flush()
        del rows
        finish_prepared(part, target, labels, {**about, "dtype": dtype, "source": EIGHT_BIT})
    return True
