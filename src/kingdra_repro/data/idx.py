"""The idx file format of MNIST: a big-endian header, then unsigned bytes."""

from pathlib import Path

import numpy as np

from kingdra_repro.errors import InputError

UNSIGNED_BYTE = 0x08


def read_idx(path: Path) -> np.ndarray:
    """Read an idx file of unsigned bytes.

    Parameters
    ----------
    path : Path

    Returns
    -------
    ndarray of uint8
        Of the shape that the header gives, such as [60000, 28, 28].

    Raises
    ------
    InputError
        Where it is not an idx file of unsigned bytes, or has more or fewer bytes than its header says.

    Notes
    -----
    Two zero bytes, the type of the numbers, the number of axes, a 32-bit length for each axis, the numbers:
    LeCun, Cortes, Burges, "The MNIST database of handwritten digits".
    """
    content = np.fromfile(path, dtype=np.uint8)
    n_axes = int(content[3]) if len(content) >= 4 else 0
    start = 4 + 4 * n_axes
    if len(content) < start or n_axes == 0 or content[0] or content[1] or content[2] != UNSIGNED_BYTE:
        raise InputError(f"{path} is not an idx file of bytes: remove it, so that it is fetched anew")
    shape = tuple(int(length) for length in content[4:start].view(">u4"))
    if len(content) - start != int(np.prod(shape, dtype=np.int64)):
        raise InputError(
            f"{path} holds {len(content) - start} numbers where its header says {shape}: "
            "remove it, so that it is fetched anew"
        )
    return content[start:].reshape(shape)
