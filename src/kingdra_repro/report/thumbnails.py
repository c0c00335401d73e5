"""Rows of a data set as small pictures."""

import numpy as np
from PIL import Image

from kingdra_repro.data.dataset import Dataset

LARGEST = 32  # pixels; larger pictures are made smaller


def has_pictures(data: Dataset) -> bool:
    """Whether rows of `data` can be shown as pictures."""
    return data.pictures is not None or data.image_shape is not None


def value_range(data: Dataset, rows: np.ndarray) -> tuple[float, float]:
    """Least and largest value of some rows of X, for `thumbnails`; of no matter where `data` has pictures."""
    if data.image_shape is None or len(rows) == 0:
        return 0.0, 1.0
    assert isinstance(data.X, np.ndarray)
    shown = data.X[rows]
    low, high = float(shown.min()), float(shown.max())
    return low, high if high > low else low + 1


def thumbnails(data: Dataset, rows: np.ndarray, black_to_white: tuple[float, float]) -> np.ndarray:
    """Some rows as pictures of one size.

    Parameters
    ----------
    data : Dataset with `has_pictures`
    rows : int array [m], m > 0
    black_to_white : pair of float
        The values of X that are shown black and white; of no matter where the data set has `pictures`.

    Returns
    -------
    uint8 array [m, height, width] or [m, height, width, 3]
        No side longer than `LARGEST`; grey ones dark on white, as in the paper's Figure 4.
    """
    make = _from_files if data.pictures is not None else _from_row
    return np.stack([make(data, int(row), black_to_white) for row in rows])


def _from_row(data: Dataset, row: int, black_to_white: tuple[float, float]) -> np.ndarray:
    assert isinstance(data.X, np.ndarray)
    assert data.image_shape is not None
    low, high = black_to_white
    values = (data.X[row].reshape(data.image_shape) - low) / (high - low)
    ink = values if values.ndim == 3 else 1 - values
    pixels = (ink.clip(0, 1) * 255).round().astype(np.uint8)
    longest = max(pixels.shape[:2])
    if longest <= LARGEST:
        return pixels
    picture = Image.fromarray(pixels)
    return np.asarray(picture.resize([max(1, side * LARGEST // longest) for side in picture.size]))


def _from_files(data: Dataset, row: int, _: tuple[float, float]) -> np.ndarray:
    assert data.pictures is not None
    pixels = data.pictures.batch(row, row + 1, LARGEST)[0]
    return (pixels.permute(1, 2, 0) * 255).round().byte().numpy()
