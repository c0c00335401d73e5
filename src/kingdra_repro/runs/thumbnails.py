"""Small pictures of rows, and sprite sheets of them for a page."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.streamed import is_sparse

LARGEST = 32  # pixels; larger pictures are scaled down
COLUMNS = 12
GREYS, COLOURS = 16, 64  # shades kept: enough for a small picture, at half the bytes or less


def has_pictures(data: Dataset) -> bool:
    """Return whether rows of `data` can be shown as pictures."""
    return data.pictures is not None or data.image_shape is not None


def value_range(data: Dataset, rows: np.ndarray) -> tuple[float, float]:
    """Return the range of values in some rows of X, for `thumbnails`; unused if `data` has `pictures`."""
    if data.image_shape is None or len(rows) == 0:
        return 0.0, 1.0
    assert not is_sparse(data.X)
    shown = data.X[rows]
    low, high = float(shown.min()), float(shown.max())
    return low, high if high > low else low + 1


def thumbnails(data: Dataset, rows: np.ndarray, black_to_white: tuple[float, float]) -> np.ndarray:
    """Return one or more rows as pictures of equal size: uint8 [m, height, width] or [m, height, width, 3].

    No side is longer than `LARGEST`. Grey pictures are dark on white, as in the paper's Figure 4.
    `black_to_white` are the smallest and the largest value of X, between which the shades lie; unused if the
    data set has `pictures`.
    """
    make = _from_files if data.pictures is not None else _from_row
    return np.stack([make(data, int(row), black_to_white) for row in rows])


def _from_row(data: Dataset, row: int, black_to_white: tuple[float, float]) -> np.ndarray:
    assert not is_sparse(data.X)
    assert data.image_shape is not None
    low, high = black_to_white
    X: Any = data.X
    values = (X[row].reshape(data.image_shape) - low) / (high - low)
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


def sprite(pictures: np.ndarray) -> dict[str, Any]:
    """Arrange `thumbnails` in a grid: picture i is in column ``i % columns`` of row ``i // columns``.

    Returns ``uri`` (``data:image/png;base64,...``), ``columns``, ``rows``, and the ``width`` and ``height``
    of one picture in pixels.
    """
    height, width = pictures.shape[1:3]
    columns = min(COLUMNS, len(pictures))
    lines = -(-len(pictures) // columns)
    grey = pictures.ndim == 3
    sheet = Image.new("L" if grey else "RGB", (columns * width, lines * height), "white")
    for place, picture in enumerate(pictures):
        sheet.paste(Image.fromarray(picture), (place % columns * width, place // columns * height))
    few = sheet.quantize(GREYS if grey else COLOURS)
    written = io.BytesIO()
    few.save(written, "PNG", optimize=True)
    uri = f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode()}"
    return {"uri": uri, "columns": columns, "rows": lines, "width": width, "height": height}
