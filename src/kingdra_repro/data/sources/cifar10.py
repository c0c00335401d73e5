"""CIFAR-10: 60,000 pictures of 10 classes, as ResNet-50 features."""

import os
from pathlib import Path

import numpy as np

from kingdra_repro.checks import given_path
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.download.fetch import fetch, find_local
from kingdra_repro.data.download.registry import registry
from kingdra_repro.data.features.extraction import Extraction
from kingdra_repro.data.features.image_features import image_features
from kingdra_repro.data.features.pictures import PictureArray, PicturesOnDemand
from kingdra_repro.data.formats.archives import archive_files
from kingdra_repro.data.sources.feature_pair import load_feature_pair
from kingdra_repro.data.validation import validate
from kingdra_repro.errors import InputError
from kingdra_repro.files import checksum

ARCHIVE = "cifar10/cifar-10-binary.tar.gz"
FOLDER = "cifar-10-batches-bin"
# Row order: the five training files, then the test file.
FILES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SIDE = 32
RECORD = 1 + 3 * SIDE * SIDE  # a label, then the red, green and blue planes


def load_cifar10(
    data_dir: str | os.PathLike | None = None,
    mirror: str | os.PathLike | None = None,
    n_clusters: int | None = None,
    features: str | os.PathLike | None = None,
    images: str | os.PathLike | None = None,
    resize: int = 64,
    weights: str | os.PathLike | None = None,
    device: str = "auto",
    batch_size: int = 64,
    dtype: str = "float32",
    precision: str = "float32",
) -> Dataset:
    """Load CIFAR-10's training and test pictures together, as 2,048 ResNet-50 features each.

    Parameters
    ----------
    data_dir : path or None
        The data folder; None: ``KINGDRA_DATA_DIR`` or the user's cache folder.
    mirror : path, URL or None
        Holds ``cifar10/cifar-10-binary.tar.gz``, or 8-bit features (``cifar10/features_u8.npy``).
    n_clusters : int or None
        Number of clusters to find; None: 10.
    features : path or None
        A folder with ``train_X.npy`` and ``train_Y.npy``; the parameters below are then ignored.
    images : path or None
        An archive of your own in the layout of the binary version, used instead of the published one.
    resize : int
        Side in pixels that pictures are resized to; see the notes for why it is 64.
    weights : path or None
        A ResNet-50 state dict in torchvision's format; None: torchvision's IMAGENET1K_V1.
    device : str
        Device of the extraction: ``auto``, or a torch device.
    batch_size : int
        Batch size of the extraction.
    dtype : {"float32", "float16"}
        Dtype of the features on disk. float32 is memory-mapped; float16 takes half the disk space, but is
        converted to float32 in memory.
    precision : {"float32", "bfloat16"}
        Precision of the extraction. bfloat16 is faster if the hardware supports it, and changes the features
        slightly.

    Returns
    -------
    Dataset
        X float32 [60000, 2048], y int64 [60000]; also the pictures, if the features were extracted from them
        and their archive is still available locally.

    Raises
    ------
    InputError
        If no source has the right files, or a setting is out of range.

    Notes
    -----
    Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. Pictures are read from the
    binary version, because the other one is pickled.

    The paper takes its features from Hu et al. (2017), who do not state the input size of the pictures.
    K-means reveals it: on features of 64 x 64 pictures it comes close to the paper's row (Table 2), on
    those of larger pictures far above it. So the paper's features were made from small pictures, and 64 is
    the default.
    """
    k = 10 if n_clusters is None else n_clusters
    if features is not None:
        return load_feature_pair(features, "cifar10", "cifar10", n_clusters)
    given = None if images is None else _existing(images)

    def read_pictures() -> tuple[PictureArray, np.ndarray]:
        return read_cifar10(given or fetch(registry()[ARCHIVE], data_dir, mirror))

    found = image_features(
        "cifar10",
        read_pictures,
        Extraction(resize, weights, device, batch_size, precision, dtype),
        pictures_id="published" if given is None else f"sha256:{checksum(given)}",
        data_dir=data_dir,
        mirror=mirror,
    )
    X, y = validate(found.X, found.y, k)
    shown = None  # pictures alone are not worth a download
    if found.extracted and (given or find_local(ARCHIVE, data_dir, mirror)):
        shown = PicturesOnDemand(len(X), lambda: read_pictures()[0])
    return Dataset("cifar10", X, y, k, class_names=CLASSES, pictures=shown)


def read_cifar10(archive: Path) -> tuple[PictureArray, np.ndarray]:
    """Read the pictures and labels in the archive of the binary version.

    Parameters
    ----------
    archive : Path
        A tar file with ``cifar-10-batches-bin/data_batch_1.bin`` and so on; other members are ignored.

    Returns
    -------
    pictures : PictureArray of uint8 [n, 32, 32, 3]
    labels : uint8 array [n]

    Raises
    ------
    InputError
        If a file is missing or truncated, or a label is not 0-9.
    """
    names = {f"{FOLDER}/{file}" for file in FILES}
    content = dict(archive_files(archive, names.__contains__))
    records = []
    for file in FILES:
        data = content.get(f"{FOLDER}/{file}")
        if data is None or not data or len(data) % RECORD:
            found = "no" if data is None else f"a broken ({len(data)} bytes)"
            raise InputError(f"{archive} has {found} {FOLDER}/{file}: give CIFAR-10's binary version")
        records.append(np.frombuffer(data, np.uint8).reshape(-1, RECORD))
    rows = np.concatenate(records)
    labels = rows[:, 0]
    if labels.max() > 9:
        raise InputError(
            f"{archive} has a label {labels.max()}: give CIFAR-10's binary version, not CIFAR-100's"
        )
    planes = rows[:, 1:].reshape(-1, 3, SIDE, SIDE)
    return PictureArray(planes.transpose(0, 2, 3, 1)), labels


def _existing(images: str | os.PathLike) -> Path:
    path = Path(given_path("images", images)).expanduser()
    if not path.is_file():
        raise InputError(f"dataset.images={images} does not exist: correct the path")
    return path
