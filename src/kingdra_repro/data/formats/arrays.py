"""NumPy, SciPy and Matlab files, never unpickled."""

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
MATLAB_NAMES = (("fea", "gnd"), ("X", "Y"), ("X", "y"))  # of features and labels, in the files that go round


def read_npy(path: Path) -> np.ndarray:
    """One array from a .npy file, as a read-only memory map.

    Raises
    ------
    InputError
        Where it is broken, holds Python objects, or takes more memory than there is.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if array.dtype != np.float32:  # a copy of float32 is made; the file itself stays on the disk
            check_fits(path, array.size * 4)
        return array
    except InputError:
        raise
    except Exception as error:  # NumPy's reader fails in many ways on bytes that it did not write
        raise unreadable(path, error) from error


def read_npz(path: Path) -> tuple[np.ndarray | sp.csr_matrix, np.ndarray | None]:
    """Features as they lie there, and labels where there are some, from a .npz file.

    Parameters
    ----------
    path : Path
        Either arrays named ``X`` and optionally ``y``, or a matrix written by ``scipy.sparse.save_npz``.

    Raises
    ------
    InputError
        Where it is broken, holds Python objects, takes more memory than there is, or has no array X: the
        names it has are listed.
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
            matrix = sp.load_npz(path)  # which does not unpickle either
            if hasattr(matrix, "check_format"):  # indices beyond the matrix would be read from foreign memory
                matrix.check_format(full_check=True)
            return sp.csr_matrix(matrix), None
    except (InputError, MemoryError):
        raise
    except Exception as error:  # as above, and zipfile's and SciPy's
        raise unreadable(path, error) from error
    raise InputError(
        f"{path} has no array named X (it has {', '.join(names) or 'none'}): "
        "write it with numpy.savez(path, X=..., y=...) or scipy.sparse.save_npz"
    )


def _check_sizes(path: Path) -> None:
    """Raise where the arrays' headers ask for more than is there, or than fits into memory."""
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
    """Raise where a matrix of few numbers has so many rows or columns that their index does not fit."""
    with np.load(path, allow_pickle=False) as arrays:
        if "shape" in arrays and arrays["shape"].shape == (2,):
            n, d = (int(length) for length in arrays["shape"])
            check_fits(path, (n + d) * 8, f"a sparse matrix of {n:,} x {d:,}")


def read_mat(path: Path) -> tuple[np.ndarray | sp.csr_matrix, np.ndarray | None]:
    """Features, and labels where there are some, from a Matlab file (before version 7.3).

    Parameters
    ----------
    path : Path
        With ``fea`` and ``gnd``, or ``X`` and ``Y``: [n, ...], and one label a row.

    Raises
    ------
    InputError
        Where it is broken, or has neither.
    """
    try:
        arrays = {name: one for name, one in scipy.io.loadmat(path).items() if not name.startswith("__")}
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
            return X, arrays.get(labels, arrays.get("y"))
    raise InputError(
        f"{path} has neither fea and gnd nor X and Y (it has {', '.join(arrays) or 'none'}): rename them"
    )


def unreadable(path: Path, error: Exception) -> InputError:
    """Return what to raise for a file whose reader has failed."""
    reason = first_line(error)
    if "Object arrays" in reason or "Python objects" in reason:
        return InputError(
            f"{path} holds Python objects, which are never unpickled: save plain numbers, X.astype(float)"
        )
    if "pickle" in reason:  # what numpy says of any file that it does not know
        reason = "not in NumPy's format"
    return InputError(f"{path} is not a readable {path.suffix} file ({reason}): save it again")
