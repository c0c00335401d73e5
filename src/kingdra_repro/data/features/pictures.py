"""Read pictures, from memory or from files, as batches of one size."""

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

LARGEST_GREY = 2**16 - 1  # 16-bit grey values
# EXIF orientation -> the operation that undoes it.
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
    """A set of pictures that can be read in batches."""

    def __len__(self) -> int:
        """Return the number of pictures."""

    def batch(self, start: int, stop: int, size: int) -> Tensor:
        """Return pictures start..stop-1 as a float tensor [stop - start, 3, size, size] with values 0-1.

        Raises
        ------
        InputError
            If a file is not a complete picture.
        """


@dataclass
class PictureArray:
    """Pictures of the same size in a uint8 array [n, height, width, 3]."""

    pixels: np.ndarray

    def __len__(self) -> int:
        return len(self.pixels)

    def batch(self, start: int, stop: int, size: int) -> Tensor:
        return _resized(torch.from_numpy(np.ascontiguousarray(self.pixels[start:stop])), size)


@dataclass
class PicturesOnDemand:
    """A set of `n` pictures, all of which are read when the first batch is requested."""

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
    """Picture files of any size, read on demand and cropped to the largest central square."""

    paths: list[Path]

    def __len__(self) -> int:
        return len(self.paths)

    def batch(self, start: int, stop: int, size: int) -> Tensor:
        return torch.cat(
            [_resized(torch.from_numpy(_square(path))[None], size) for path in self.paths[start:stop]]
        )


def _square(path: Path) -> np.ndarray:
    """Return the largest central square of a picture, uint8 [side, side, 3]."""
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
    """Return a picture rotated or flipped as its EXIF orientation says, which is how viewers show it.

    `ImageOps.exif_transpose` is not used: it rewrites the other tags, which fails if one of them is damaged.
    """
    picture.load()  # for a TIFF, this already applies the orientation and removes the tag
    turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    return picture if turn is None else picture.transpose(turn)


def _on_white(picture: Image.Image) -> Image.Image:
    """Return a transparent picture on a white background: an icon may have its shape in the alpha channel."""
    rgba = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)


def _eight_bits(picture: Image.Image, path: Path) -> Image.Image:
    """Return a 16-bit grey picture, which Pillow would clip at 255, or one of float values, in 8 bits."""
    values = np.asarray(picture)
    if picture.mode == "F":
        low, high = float(values.min()), float(values.max())
        if not (low >= 0 and high <= 255):  # also true for NaN
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
    """Resize uint8 [batch, h, w, 3] to float [batch, 3, size, size] with values 0-1."""
    x = pixels.permute(0, 3, 1, 2).float() / 255
    if x.shape[2:] == (size, size):
        return x
    # antialias affects downsampling only.
    return interpolate(x, (size, size), mode="bilinear", align_corners=False, antialias=True)
