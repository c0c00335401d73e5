"""A feature matrix that several processes read: a dense one is in the file cache once, not in each."""

from pathlib import Path

import numpy as np
import scipy.sparse as sp

from kingdra_repro.errors import InputError


def write_matrix(X: np.ndarray | sp.csr_matrix, folder: Path) -> Path:
    """Write X into the folder; `read_matrix` opens what is returned.

    Raises
    ------
    InputError
        If there is no room.
    """
    path = folder / ("X.npz" if sp.issparse(X) else "X.npy")
    try:
        if sp.issparse(X):
            sp.save_npz(path, X, compressed=False)
        else:
            np.save(path, np.ascontiguousarray(X), allow_pickle=False)  # as the processes need it
    except OSError as error:
        raise InputError(
            f"Cannot write the data for the other processes to {folder} ({error.strerror or error}): free "
            "space there, set TMPDIR to another folder, or use n_jobs=1"
        ) from error
    return path


def read_matrix(path: Path) -> np.ndarray | sp.csr_matrix:
    """X as a read-only memory map, or a CSR matrix."""
    if path.suffix == ".npz":
        return sp.csr_matrix(sp.load_npz(path))
    return np.load(path, mmap_mode="r", allow_pickle=False)
