"""Pictures in memory or in a folder, as batches of one size."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import ExifTags, Image
from PIL.Image import Transpose
from torch import Tensor
from torch.nn.functional import interpolate

from kingdra_repro.errors import InputError

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".tif", ".tiff", ".webp")

LARGEST_GREY = 2**16 - 1  # of 16 bits
# What undoes each value of EXIF's orientation.
_TURNS: dict[object, Transpose] = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


class Pictures(Protocol):
    """A set of pictures that can be read piece by piece."""

    def __len__(self) -> int:
        """Return the number of pictures."""

    def batch(self, start: int, stop: int, size: int) -> Tensor:
        """Pictures start..stop-1 as float tensor [stop - start, 3, size, size] of values 0-1.

        Raises
        ------
        InputError
            Where a file is not a complete picture.
        """


@dataclass
class PictureArray:
    """Pictures of one size in an array, uint8 [n, height, width, 3]."""

    pixels: np.ndarray

    def __len__(self) -> int:
        return len(self.pixels)

    def batch(self, start: int, stop: int, size: int) -> Tensor:
        return _resized(torch.from_numpy(np.ascontiguousarray(self.pixels[start:stop])), size)


@dataclass
class PicturesOnDemand:
    """So many pictures that are read as a whole, but not before the first of them is asked for."""

    n: int
    read: Callable[[], Pictures]

    @cached_property
    def _pictures(self) -> Pictures:
        return self.read()

    def __len__(self) -> int:
        return self.n

    def batch(self, start: int, stop: int, size: int) -> Tensor:
        return self._pictures.batch(start, stop, size)


@dataclass
class PictureFiles:
    """Picture files of any size, read when they are needed; the largest square in the middle is used."""

    paths: list[Path]

    def __len__(self) -> int:
        return len(self.paths)

    def batch(self, start: int, stop: int, size: int) -> Tensor:
        return torch.cat(
            [_resized(torch.from_numpy(_square(path))[None], size) for path in self.paths[start:stop]]
        )


def _square(path: Path) -> np.ndarray:
    """Return the middle of a picture, uint8 [side, side, 3]."""
    try:
        with Image.open(path) as picture:
            upright = _upright(picture)
            grey = _eight_bits(upright, path) if upright.mode.startswith(("I", "F")) else upright
            rgb = (_on_white(grey) if grey.has_transparency_data else grey).convert("RGB")
    except InputError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} is not a complete picture ({type(error).__name__}): remove it") from error
    side = min(rgb.size)
    left, top = (rgb.width - side) // 2, (rgb.height - side) // 2
    return np.array(rgb.crop((left, top, left + side, top + side)))


def _upright(picture: Image.Image) -> Image.Image:
    """Return a picture as the camera was held, which is how viewers show it.

    Not by `ImageOps.exif_transpose`: it writes the other tags anew, which fails where one of them is damaged.
    """
    picture.load()  # turns a TIFF by itself, and takes its tag away
    turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    return picture if turn is None else picture.transpose(turn)


def _on_white(picture: Image.Image) -> Image.Image:
    """Return a transparent picture as it looks on white paper: the shape of an icon may be in its alpha."""
    rgba = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)


def _eight_bits(picture: Image.Image, path: Path) -> Image.Image:
    """Return a grey picture of 16 bits, which Pillow would cut off at 255, or one of fractions, as 8 bits."""
    values = np.asarray(picture)
    if picture.mode == "F":
        low, high = float(values.min()), float(values.max())
        if not (low >= 0 and high <= 255):  # NaN, too
            raise InputError(
                f"{path} has fractional values of {low:.4g} to {high:.4g}: scale them to 0-1, or to 0-255"
            )
        values = values * 255 if high <= 1 else values
    else:
        low, high = int(values.min()), int(values.max())
        if low < 0 or high > LARGEST_GREY:
            raise InputError(
                f"{path} has whole values of {low} to {high}: scale them to 0-255, or to 0-{LARGEST_GREY}"
            )
        values = values / 257
    return Image.fromarray(values.round().clip(0, 255).astype(np.uint8))


def _resized(pixels: Tensor, size: int) -> Tensor:
    """uint8 [batch, h, w, 3] -> float [batch, 3, size, size] of values 0-1."""
    x = pixels.permute(0, 3, 1, 2).float() / 255
    if x.shape[2:] == (size, size):
        return x
    # antialias matters where pictures become smaller; where they become larger it changes nothing.
    return interpolate(x, (size, size), mode="bilinear", align_corners=False, antialias=True)
