"""STL-10: 13,000 labelled pictures of 10 classes, as ResNet-50 features."""

import hashlib
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

ARCHIVE = "stl10/stl10_binary.tar.gz"
FOLDER = "stl10_binary"
# Row order: training, then test pictures. The 100,000 unlabelled pictures are not used.
PARTS = (("train_X.bin", "train_y.bin"), ("test_X.bin", "test_y.bin"))
CLASSES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
SIDE = 96


def load_stl(
    data_dir: str | os.PathLike | None = None,
    mirror: str | os.PathLike | None = None,
    n_clusters: int | None = None,
    features: str | os.PathLike | None = None,
    images: str | os.PathLike | None = None,
    resize: int = 224,
    weights: str | os.PathLike | None = None,
    device: str = "auto",
    batch_size: int = 32,
    dtype: str = "float32",
    precision: str = "float32",
) -> Dataset:
    """Load STL-10's labelled training and test pictures together, as 2,048 ResNet-50 features each.

    Parameters
    ----------
    data_dir : path or None
        The data folder; None: ``KINGDRA_DATA_DIR`` or the user's cache folder.
    mirror : path, URL or None
        Holds ``stl10/stl10_binary.tar.gz``, or 8-bit features (``stl10/features_u8.npy``).
    n_clusters : int or None
        Number of clusters to find; None: 10.
    features : path or None
        A folder with ``train_X.npy`` and ``train_Y.npy``; the parameters below are then ignored.
    images : path or None
        An archive or a folder of your own in the layout of the binary version (``train_X.bin``,
        ``train_y.bin``, ``test_X.bin``, ``test_y.bin``), used instead of the published one.
    resize : int
        Side in pixels that pictures are resized to.
    weights : path or None
        A ResNet-50 state dict in torchvision's format; None: torchvision's IMAGENET1K_V1.
    device, batch_size, dtype, precision
        Settings of the extraction, as in `load_cifar10`.

    Returns
    -------
    Dataset
        X float32 [13000, 2048], y int64 [13000]; also the pictures, if the features were extracted from them
        and their archive is still available locally.

    Raises
    ------
    InputError
        If no source has the right files, or a setting is out of range.

    Notes
    -----
    Coates, Lee, Ng, "An Analysis of Single Layer Networks in Unsupervised Feature Learning", 2011.

    On these features, K-means depends on the number of restarts, which the paper does not give.
    """
    k = 10 if n_clusters is None else n_clusters
    if features is not None:
        return load_feature_pair(features, "stl", "stl10", n_clusters)
    given = None if images is None else Path(given_path("images", images)).expanduser()

    def read_pictures() -> tuple[PictureArray, np.ndarray]:
        return read_stl(given or fetch(registry()[ARCHIVE], data_dir, mirror))

    found = image_features(
        "stl10",
        read_pictures,
        Extraction(resize, weights, device, batch_size, precision, dtype),
        pictures_id="published" if given is None else _checksum(given),
        data_dir=data_dir,
        mirror=mirror,
    )
    X, y = validate(found.X, found.y, k)
    shown = None  # pictures alone are not worth a download
    if found.extracted and (given or find_local(ARCHIVE, data_dir, mirror)):
        shown = PicturesOnDemand(len(X), lambda: read_pictures()[0])
    return Dataset("stl", X, y, k, class_names=CLASSES, pictures=shown)


def read_stl(source: Path) -> tuple[PictureArray, np.ndarray]:
    """Read the labelled pictures of the binary version, and their labels.

    Parameters
    ----------
    source : Path
        Its archive, or a folder with the four files.

    Returns
    -------
    pictures : PictureArray of uint8 [n, 96, 96, 3]
    labels : uint8 array [n]
        0-9; in the files they count from 1.

    Raises
    ------
    InputError
        If a file is missing, or pictures and labels do not match.
    """
    wanted = [file for part in PARTS for file in part]
    if source.is_dir():
        content = {file: (source / file).read_bytes() for file in wanted if (source / file).is_file()}
    else:
        names = {f"{FOLDER}/{file}" for file in wanted}
        content = {Path(name).name: data for name, data in archive_files(source, names.__contains__)}
    missing = [file for file in wanted if file not in content]
    if missing:
        raise InputError(f"{source} has no {', '.join(missing)}: give STL-10's binary version")
    pixels, labels = [], []
    for picture_file, label_file in PARTS:
        y = np.frombuffer(content[label_file], np.uint8)
        x = np.frombuffer(content[picture_file], np.uint8)
        if len(x) != len(y) * 3 * SIDE * SIDE or len(y) == 0 or y.min() < 1 or y.max() > 10:
            raise InputError(
                f"{source}: {picture_file} ({len(x)} bytes) does not fit the {len(y)} labels of "
                f"{label_file}: give STL-10's binary version"
            )
        # The colour planes follow each other, each stored column by column.
        pixels.append(x.reshape(-1, 3, SIDE, SIDE).transpose(0, 3, 2, 1))
        labels.append(y - 1)
    return PictureArray(np.concatenate(pixels)), np.concatenate(labels)


def _checksum(images: Path) -> str:
    """Return a single checksum of an archive, or of the four files in a folder."""
    if images.is_file():
        return f"sha256:{checksum(images)}"
    if not images.is_dir():
        raise InputError(f"dataset.images={images} does not exist: correct the path")
    found = [checksum(images / file) for part in PARTS for file in part if (images / file).is_file()]
    return f"sha256:{hashlib.sha256(' '.join(found).encode()).hexdigest()}"
