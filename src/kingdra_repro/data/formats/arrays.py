"""Read NumPy, SciPy and Matlab files without unpickling anything."""

import math
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import scipy.io
import scipy.sparse as sp

from kingdra_repro.data.formats.memory import check_fits
from kingdra_repro.data.formats.stored_rows import npy_header
from kingdra_repro.errors import InputError, first_line

ARRAY_ENDINGS = (".npy", ".npz", ".mat")
MATLAB_NAMES = (("fea", "gnd"), ("X", "Y"), ("X", "y"))  # features and labels, in commonly shared files


def read_npy(path: Path) -> np.ndarray:
    """Read one array from a .npy file, as a read-only memory map.

    Raises
    ------
    InputError
        If the file is broken or holds Python objects, or a float32 copy of it would not fit into memory.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if array.dtype != np.float32:  # will be copied to float32 in memory; the file itself stays on disk
            check_fits(path, array.size * 4)
        return array
    except InputError:
        raise
    except Exception as error:  # NumPy raises many kinds of errors for files it did not write
        raise unreadable(path, error) from error


def read_npz(path: Path) -> tuple[np.ndarray | sp.csr_matrix, np.ndarray | None]:
    """Read features, and labels if there are any, from a .npz file, without changing the values.

    Parameters
    ----------
    path : Path
        Either arrays named ``X`` and optionally ``y``, or a matrix written by ``scipy.sparse.save_npz``.

    Raises
    ------
    InputError
        If the file is broken, holds Python objects, does not fit into memory, or has no array X (the message
        lists the names that it has).
    """
    try:
        _check_sizes(path)
        with np.load(path, allow_pickle=False) as arrays:
            names = list(arrays)
            if "X" in names:
                X, y = arrays["X"], arrays["y"] if "y" in names else None
                if not all(isinstance(array, np.ndarray | None) for array in (X, y)):
                    raise ValueError("X and y are not both arrays")
                return X, y
        if "indptr" in names or "format" in names:
            _check_sparse_size(path)
            matrix = sp.load_npz(path)  # this does not unpickle either
            if hasattr(matrix, "check_format"):  # out-of-range indices would read foreign memory
                matrix.check_format(full_check=True)
            return sp.csr_matrix(matrix), None
    except (InputError, MemoryError):
        raise
    except Exception as error:  # as above, plus the errors of zipfile and SciPy
        raise unreadable(path, error) from error
    raise InputError(
        f"{path} has no array named X (it has {', '.join(names) or 'none'}): "
        "write it with numpy.savez(path, X=..., y=...) or scipy.sparse.save_npz"
    )


def _check_sizes(path: Path) -> None:
    """Raise if an array's size in the file differs from its header, or the arrays do not fit into memory."""
    total = 0
    with ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.filename.endswith(".npy"):
                continue
            with archive.open(member) as file:
                shape, _, dtype = npy_header(file)
                n_bytes = math.prod(shape) * dtype.itemsize
                if not dtype.hasobject and n_bytes != member.file_size - file.tell():
                    raise ValueError(f"{member.filename}'s header says {n_bytes} bytes, which are not there")
                total += n_bytes
    check_fits(path, total)


def _check_sparse_size(path: Path) -> None:
    """Raise if a sparse matrix has too many rows and columns for the memory, even with few values."""
    with np.load(path, allow_pickle=False) as arrays:
        if "shape" in arrays and arrays["shape"].shape == (2,):
            n, d = (int(length) for length in arrays["shape"])
            check_fits(path, (n + d) * 8, f"a sparse matrix of {n:,} x {d:,}")


def read_mat(path: Path) -> tuple[np.ndarray | sp.csr_matrix, np.ndarray | None]:
    """Read features, and labels if there are any, from a Matlab file (before version 7.3).

    Parameters
    ----------
    path : Path
        Contains features [n, ...] and labels, one per row: ``fea`` and ``gnd``, or ``X`` and optionally ``Y``
        or ``y``.

    Raises
    ------
    InputError
        If the file is broken, has version 7.3, or contains neither.
    """
    try:
        arrays = {name: one for name, one in scipy.io.loadmat(path).items() if not name.startswith("__")}
        logical = {name for name, _, kind in scipy.io.whosmat(path) if kind == "logical"}
    except MemoryError:
        raise
    except NotImplementedError as error:
        raise InputError(f"{path} is of Matlab's version 7.3: save it with -v7, or as .npz") from error
    except Exception as error:
        raise unreadable(path, error) from error
    for features, labels in MATLAB_NAMES:
        if features in arrays and (labels in arrays or features == "X"):
            X = arrays[features]
            if sp.issparse(X):
                X = sp.csr_matrix(X)  # type: ignore[call-overload]
            if features in logical:  # SciPy returns uint8, which would be taken for pixels
                X = X.astype(bool)
            return X, arrays.get(labels, arrays.get("y"))
    raise InputError(
        f"{path} has neither fea and gnd nor X and Y (it has {', '.join(arrays) or 'none'}): rename them"
    )


def unreadable(path: Path, error: Exception) -> InputError:
    """Return the InputError for a file whose reader has failed with `error`."""
    reason = first_line(error)
    if "Object arrays" in reason or "Python objects" in reason:
        return InputError(
            f"{path} holds Python objects, which are never unpickled: save plain numbers, X.astype(float)"
        )
    if "pickle" in reason:  # NumPy's message for any file of an unknown format
        reason = "not in NumPy's format"
    return InputError(f"{path} is not a readable {path.suffix} file ({reason}): save it again")
