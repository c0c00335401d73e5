"""ResNet-50 features of a data set's pictures: from the data folder, from a mirror, or newly extracted."""

import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kingdra_repro.checks import given_path
from kingdra_repro.data.download.fetch import fetch
from kingdra_repro.data.download.registry import registry
from kingdra_repro.data.features.extraction import Extraction, extract_features
from kingdra_repro.data.features.packed_features import EIGHT_BIT, unpack_features
from kingdra_repro.data.features.pictures import Pictures
from kingdra_repro.data.features.prepared import prepared_folder, read_prepared
from kingdra_repro.errors import InputError
from kingdra_repro.files import checksum

log = logging.getLogger(__name__)

DEFAULT_WEIGHTS = "resnet50/resnet50-0676ba61.pth"


@dataclass(frozen=True)
class ImageFeatures:
    """Features of pictures, and their labels.

    Attributes
    ----------
    X : ndarray [n, 2048], a read-only memory map of the requested dtype
    y : int64 ndarray [n] or None
    extracted : bool
        Whether row i belongs to picture i of the data set. A mirror's 8-bit features may be in another order.
    """

    X: np.ndarray
    y: np.ndarray | None
    extracted: bool


def image_features(
    dataset: str,
    read_pictures: Callable[[], tuple[Pictures, np.ndarray | None]],
    extraction: Extraction,
    *,
    pictures_id: str = "published",
    data_dir: str | os.PathLike | None = None,
    mirror: str | os.PathLike | None = None,
) -> ImageFeatures:
    """Return the features of a data set's pictures, extracting them only if there are none yet.

    The sources are tried in this order: the prepared folder for these settings; a mirror's 8-bit features,
    if the pictures are the published ones, the size matches and `extraction` names no weights; a new
    extraction.

    Parameters
    ----------
    dataset : str
        The data set's folder in the data folder and on mirrors.
    read_pictures : callable
        Returns the pictures and their labels; called only if features have to be extracted.
    extraction : Extraction
    pictures_id : str
        "published", or an identifier of other pictures (such as a checksum).
    data_dir, mirror : path or None
        As for `fetch`.

    Raises
    ------
    InputError
        If the weights that `extraction` names do not exist, or if there are no features yet and the pictures
        or the weights are not available.
    """

    def folder(weights_id: str) -> Path:
        settings: dict[str, Any] = {
            "pictures": pictures_id,
            "resize": extraction.resize,
            "dtype": extraction.dtype,
            "weights": weights_id,
        }
        if extraction.precision != "float32":
            settings["precision"] = extraction.precision
        return prepared_folder(data_dir, dataset, f"resnet50_{extraction.resize}", settings)

    if extraction.weights is None:
        target = folder(registry()[DEFAULT_WEIGHTS].checksums[0])
        unpacked = folder(EIGHT_BIT)
        for place in (target, unpacked):
            if place.is_dir():
                return _read(place)
        if pictures_id == "published" and f"{dataset}/features_u8.npy" in registry():
            try:
                if unpack_features(dataset, unpacked, extraction.resize, extraction.dtype, data_dir, mirror):
                    return _read(unpacked)
            except InputError as refusal:
                log.info("No 8-bit features: %s", refusal)
        weights_file = None
    else:
        weights_file = Path(given_path("weights", extraction.weights)).expanduser()
        if not weights_file.is_file():
            raise InputError(f"weights={extraction.weights} does not exist: correct the path", "weights")
        target = folder(f"sha256:{checksum(weights_file)}")
        if target.is_dir():
            return _read(target)

    pictures, labels = read_pictures()
    if weights_file is None:
        weights_file = fetch(registry()[DEFAULT_WEIGHTS], data_dir, mirror)
    about: dict[str, Any] = {
        "dataset": dataset,
        "pictures": pictures_id
        if len(pictures_id) < 100
        else hashlib.sha256(pictures_id.encode()).hexdigest(),
        "network": "ResNet-50, average-pooled",
        "weights_sha256": checksum(weights_file),
    }
    extract_features(pictures, labels, target, weights_file, about, extraction)
    return _read(target)


def _read(folder: Path) -> ImageFeatures:
    X, y, about = read_prepared(folder)
    log.info("Features of %s: ResNet-50 with weights %s", folder, about["weights_sha256"][:8])
    assert isinstance(X, np.ndarray), "features of pictures are dense"
    return ImageFeatures(X, y, about.get("source") != EIGHT_BIT)
