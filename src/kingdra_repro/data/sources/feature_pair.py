"""Ready-made features: ``train_X.npy`` and ``train_Y.npy``, as the paper's authors published theirs."""

import os
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from kingdra_repro.checks import given_path
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.formats.arrays import read_npy
from kingdra_repro.data.formats.labels import encode_labels
from kingdra_repro.data.validation import validate
from kingdra_repro.errors import InputError


def load_feature_pair(
    folder: str | os.PathLike,
    name: str,
    published_as: str,
    n_clusters: int | None,
    *,
    sparse: bool = False,
    image_shape: tuple[int, ...] | None = None,
) -> Dataset:
    """Load a data set from its feature and label files.

    Parameters
    ----------
    folder : path
        A folder with ``train_X.npy`` [n, ...] and ``train_Y.npy`` [n] (or one-hot [n, k]); or a folder that
        holds such a folder under the authors' name, such as the unpacked ``ens_cluster_datasets.zip``.
    name : str
        Name of the data set.
    published_as : str
        Name of its folder in the authors' archive.
    n_clusters : int or None
        Number of clusters to find; None: as many as there are distinct labels.
    sparse : bool
        Whether to convert the features to CSR (text, mostly zeros).
    image_shape : tuple of int or None
        Shape of the pictures if the rows are pictures; ignored if d does not fit it.

    Returns
    -------
    Dataset
        X float32 [n, d]: CSR, or dense (a read-only memory map if the file is float32 with two axes).

    Raises
    ------
    InputError
        If the files are missing or broken, or `validate` rejects them.
    """
    given = Path(given_path("features", folder)).expanduser()
    places = [given, given / published_as]
    place = next((p for p in places if (p / "train_X.npy").is_file()), None)
    if place is None:
        raise InputError(
            f"dataset.features={folder}: there is no train_X.npy in it, nor in its folder {published_as}: "
            "name the folder that holds train_X.npy and train_Y.npy (unpack a .zip first)"
        )
    X = read_npy(place / "train_X.npy")
    if X.ndim > 2:
        X = X.reshape(len(X), -1)
    if not (place / "train_Y.npy").is_file():
        raise InputError(f"{place} has train_X.npy but no train_Y.npy: put the labels there")
    labels = read_npy(place / "train_Y.npy")
    if labels.ndim == 2 and labels.shape[1] > 1:
        labels = labels.argmax(axis=1)  # one-hot
    classes, names = encode_labels(labels, str(place / "train_Y.npy"))
    k = len(names) if n_clusters is None else n_clusters
    checked, y = validate(X, classes, k)
    if sparse:  # as float32: SciPy has no float16
        checked = sp.csr_matrix(checked)
    if image_shape is not None and int(np.prod(image_shape)) != checked.shape[1]:
        image_shape = None
    return Dataset(name, checked, y, k, image_shape)
