"""USPS: 9,298 handwritten digits of 16 x 16 pixels."""

import logging
import os
from pathlib import Path

import numpy as np
import scipy.io
from scipy.io.matlab import MatReadError
from sklearn.datasets import load_svmlight_file

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.download.fetch import fetch
from kingdra_repro.data.download.registry import registry
from kingdra_repro.data.validation import validate
from kingdra_repro.errors import InputError

log = logging.getLogger(__name__)

N_PIXELS = 256
MATLAB_FILE = "usps/usps_all.mat"
SVMLIGHT_FILES = ("usps/usps.bz2", "usps/usps.t.bz2")  # 7,291 for training, then 2,007 for testing


def load_usps(
    data_dir: str | os.PathLike | None = None,
    mirror: str | os.PathLike | None = None,
    n_clusters: int | None = None,
) -> Dataset:
    """Load USPS's training and test digits together, pixels scaled to 0-1.

    Parameters
    ----------
    data_dir : path or None
        The data folder; None: ``KINGDRA_DATA_DIR`` or the user's cache folder.
    mirror : path, URL or None
        Holds ``usps/usps_all.mat``, or ``usps/usps.bz2`` and ``usps/usps.t.bz2``.
    n_clusters : int or None
        Number of clusters to find; None: 10, one for each digit.

    Returns
    -------
    Dataset
        X float32 [9298, 256], y int64 [9298].

    Raises
    ------
    InputError
        If no source has the right files.

    Notes
    -----
    Hull, "A database for handwritten text recognition research", IEEE PAMI 16(5), 1994. The Matlab file holds
    the pixels in 8 bits (0 to 255), LIBSVM's files as real numbers (-1 to 1); the row order may differ. USPS
    is not in the paper's Table 2.
    """
    known = registry()
    try:
        pixels, labels = read_usps_matlab(fetch(known[MATLAB_FILE], data_dir, mirror))
    except InputError as refusal:
        log.info("USPS is not available as a Matlab file (%s): using LIBSVM's", refusal)
        parts = [read_usps_svmlight(fetch(known[name], data_dir, mirror)) for name in SVMLIGHT_FILES]
        pixels = np.concatenate([part[0] for part in parts])
        labels = np.concatenate([part[1] for part in parts])
    k = 10 if n_clusters is None else n_clusters
    X, y = validate(pixels, labels, k)
    return Dataset("usps", X, y, k, image_shape=(16, 16), class_names=[str(digit) for digit in range(10)])


def read_usps_matlab(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read pixels float32 [n, 256] of 0-1 and digits int64 [n] from the Matlab file's uint8 matrix [n, 257].

    Raises
    ------
    InputError
        If it holds something else.
    """
    try:
        table = scipy.io.loadmat(path, variable_names=["usps_all"])["usps_all"]
    except (MatReadError, ValueError, LookupError, NotImplementedError, OSError) as error:
        raise InputError(f"{path} has no matrix usps_all: put the right file there") from error
    if table.ndim != 2 or table.shape[1] != N_PIXELS + 1:
        raise InputError(
            f"{path} holds usps_all of shape {table.shape}, not [n, 257]: put the right file there"
        )
    return table[:, :N_PIXELS].astype(np.float32) / 255, table[:, N_PIXELS].astype(np.int64) - 1


def read_usps_svmlight(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read pixels float32 [n, 256] of 0-1 and digits int64 [n] from a LIBSVM file.

    The file has pixels from -1 to 1, and as labels digit + 1.

    Raises
    ------
    InputError
        If it is not a LIBSVM file.
    """
    try:
        pixels, labels = load_svmlight_file(str(path), n_features=N_PIXELS, dtype=np.float32)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path} is not a file of LIBSVM ({error}): put the right file there") from error
    return (pixels.toarray() + 1) / 2, labels.astype(np.int64) - 1
