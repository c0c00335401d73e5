"""MNIST: 70,000 handwritten digits of 28 x 28 pixels."""

import os
from pathlib import Path

import numpy as np

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.download.fetch import fetch
from kingdra_repro.data.download.registry import registry
from kingdra_repro.data.sources.feature_pair import load_feature_pair
from kingdra_repro.data.validation import validate
from kingdra_repro.errors import InputError

UNSIGNED_BYTE = 0x08


def read_idx(path: Path) -> np.ndarray:
    """Read an idx file of unsigned bytes: uint8 of the shape in its header, such as [60000, 28, 28].

    Raises
    ------
    InputError
        If it is not an idx file of unsigned bytes, or has more or fewer bytes than its header says.

    Notes
    -----
    Format: two zero bytes, the type of the numbers, the number of axes, a 32-bit length for each axis, the
    numbers. LeCun, Cortes, Burges, "The MNIST database of handwritten digits".
    """
    content = np.fromfile(path, dtype=np.uint8)
    n_axes = int(content[3]) if len(content) >= 4 else 0
    start = 4 + 4 * n_axes
    if len(content) < start or n_axes == 0 or content[0] or content[1] or content[2] != UNSIGNED_BYTE:
        raise InputError(f"{path} is not an idx file of bytes: remove it, and it will be downloaded again")
    shape = tuple(int(length) for length in content[4:start].view(">u4"))
    if len(content) - start != int(np.prod(shape, dtype=np.int64)):
        raise InputError(
            f"{path} holds {len(content) - start} numbers where its header says {shape}: "
            "remove it, and it will be downloaded again"
        )
    return content[start:].reshape(shape)


# Row order: the training images in file order, then the test images.
PARTS = (
    ("mnist/train-images-idx3-ubyte", "mnist/train-labels-idx1-ubyte"),
    ("mnist/t10k-images-idx3-ubyte", "mnist/t10k-labels-idx1-ubyte"),
)


def load_mnist(
    data_dir: str | os.PathLike | None = None,
    mirror: str | os.PathLike | None = None,
    n_clusters: int | None = None,
    features: str | os.PathLike | None = None,
) -> Dataset:
    """Load MNIST's training and test images together, pixels scaled to 0-1, as in the paper.

    Parameters
    ----------
    data_dir : path or None
        The data folder; None: ``KINGDRA_DATA_DIR`` or the user's cache folder. The four idx files are in its
        subfolder ``mnist``.
    mirror : path, URL or None
        A folder or URL that holds ``mnist/train-images-idx3-ubyte`` and so on, plain, ``.gz`` or
        ``.xz``. Plain files in a folder are read in place.
    n_clusters : int or None
        Number of clusters to find; None: 10, one for each digit.
    features : path or None
        A folder with ``train_X.npy`` and ``train_Y.npy`` to use instead of the idx files.

    Returns
    -------
    Dataset
        X float32 [70000, 784], y int64 [70000].

    Raises
    ------
    InputError
        If no source has the right files, or `n_clusters` is out of range.

    Notes
    -----
    LeCun, Cortes, Burges, "The MNIST database of handwritten digits". Files are verified by sha256 each time.
    """
    if features is not None:
        return load_feature_pair(features, "mnist", "mnist", n_clusters, image_shape=(28, 28))
    known = registry()
    images, labels = [], []
    for image_file, label_file in PARTS:
        images.append(read_idx(fetch(known[image_file], data_dir, mirror)))
        labels.append(read_idx(fetch(known[label_file], data_dir, mirror)))

    height, width = images[0].shape[1:]
    n = sum(len(part) for part in images)
    pixels = np.empty((n, height * width), np.float32)
    np.concatenate([part.reshape(len(part), -1) for part in images], out=pixels)
    pixels /= 255  # in place, to avoid a second copy of 220 MB
    k = 10 if n_clusters is None else n_clusters
    X, y = validate(pixels, np.concatenate(labels), k)
    names = [str(digit) for digit in range(10)]
    return Dataset("mnist", X, y, k, image_shape=(height, width), class_names=names)
