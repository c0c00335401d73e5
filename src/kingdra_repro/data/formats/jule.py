"""Read HDF5 files of pictures in the format of JULE's code (data4torch.h5): ``data`` and ``labels``.

Yang, Parikh, Batra (2016), Joint Unsupervised Learning of Deep Representations and Image Clusters, CVPR.
FRGC, YTF, CMU-PIE, COIL-20 and other data sets are shared in this format.
"""

from pathlib import Path

import numpy as np

from kingdra_repro.errors import InputError, first_line

HDF5_ENDINGS = (".h5", ".hdf5")


def read_jule(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Read pictures, and labels if there are any, without changing the values.

    Parameters
    ----------
    path : Path
        Contains ``data`` [n, channels, height, width] and optionally ``labels`` [n] (any integers).

    Raises
    ------
    InputError
        If the file is broken or has no ``data``, or h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise InputError(f"{path} needs h5py to read: pip install 'kingdra-repro[hdf5]'") from error
    try:
        with h5py.File(path, "r") as file:
            names = list(file)
            if "data" in names:
                return np.asarray(file["data"]), np.asarray(file["labels"]) if "labels" in names else None
    except MemoryError:
        raise
    except Exception as error:  # h5py raises many kinds of errors for files it did not write
        reason = first_line(error)
        raise InputError(f"{path} is not a readable HDF5 file ({reason}): save it again") from error
    raise InputError(f"{path} has no data set named data (it has {', '.join(names) or 'none'}): rename it")
