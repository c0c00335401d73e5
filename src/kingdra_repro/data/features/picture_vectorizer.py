"""Turn a user's pictures, and later new ones in the same way, into ResNet-50 features."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from kingdra_repro.data.features.extraction import Extraction
from kingdra_repro.data.features.image_features import image_features
from kingdra_repro.data.features.pictures import PictureFiles
from kingdra_repro.errors import InputError
from kingdra_repro.files import checksum


@dataclass(frozen=True)
class PictureVectorizer(Extraction):
    """A vectorizer of a user's pictures: the settings of `Extraction`, and a checksum of the weights."""

    weights_sha256: str | None = None  # of user-supplied weights; different weights give different features

    group: ClassVar[str] = "dataset.pictures"

    def features(
        self,
        folder: Path,
        files: Sequence[Path],
        data_dir: str | os.PathLike | None = None,
        mirror: str | os.PathLike | None = None,
    ) -> np.ndarray:
        """Return the features of picture files below a folder: array [n, 2048], a read-only memory map.

        They are cached in the data folder. A changed picture is detected by its size or modification time.

        Raises
        ------
        InputError
            If a picture is broken, or the weights are not available or not those the model was fitted with.
        """
        if self.weights_sha256 is not None and self.weights is not None:
            place = Path(self.weights).expanduser()
            if place.is_file() and checksum(place) != self.weights_sha256:
                raise InputError(f"{place} has other weights than the model was fitted with: put those back")
        stats = [(file.relative_to(folder).as_posix(), file.stat()) for file in files]
        versions = [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats]  # a file may occur twice
        return image_features(
            "custom",
            lambda: (PictureFiles(list(files)), None),
            self,
            pictures_id=repr((str(folder.absolute()), versions)),
            data_dir=data_dir,
            mirror=mirror,
        ).X

    def fitted(self) -> Self:
        """Return a copy with the checksum and the absolute path of the weights."""
        if self.weights is None:
            return self
        place = Path(self.weights).expanduser().absolute()
        return replace(self, weights=str(place), weights_sha256=checksum(place))

    def state(self) -> dict[str, Any]:
        """Return all settings that the features of new pictures depend on, in a form that JSON can store."""
        return {name: value for name, value in asdict(self).items() if name not in ("device", "batch_size")}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Return the vectorizer with this `state`."""
        return cls(**state)
