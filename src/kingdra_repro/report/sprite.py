"""Many small pictures in one PNG, for a page without other files."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from kingdra_repro.data.dataset import Dataset

LARGEST = 32  # pixels; larger pictures are made smaller
COLUMNS = 12
GREYS, COLOURS = 16, 64  # shades that are kept: enough for a small picture, at half the bytes or less


def has_pictures(data: Dataset) -> bool:
    """Whether rows of `data` can be shown as pictures."""
    return data.pictures is not None or data.image_shape is not None


def sprite(data: Dataset, rows: np.ndarray, value_range: tuple[float, float]) -> dict[str, Any]:
    """The pictures of some rows, side by side.

    Parameters
    ----------
    data : Dataset with `has_pictures`
    rows : int array [m], m > 0
    value_range : pair of float
        The values of X that are shown black and white; of no matter where the data set has `pictures`.

    Returns
    -------
    dict
        ``uri`` (``data:image/png;base64,...``), ``columns``, ``rows``, and ``width`` and ``height`` of one
        picture in pixels. Picture i is in column ``i % columns`` of row ``i // columns``.
    """
    tiles = [_from_files(data, row) if data.pictures else _from_row(data, row, value_range) for row in rows]
    width, height = tiles[0].size
    columns = min(COLUMNS, len(tiles))
    lines = -(-len(tiles) // columns)
    sheet = Image.new(tiles[0].mode, (columns * width, lines * height), "white")
    for place, tile in enumerate(tiles):
        sheet.paste(tile, (place % columns * width, place // columns * height))
    few = sheet.quantize(GREYS if sheet.mode == "L" else COLOURS)
    written = io.BytesIO()
    few.save(written, "PNG", optimize=True)
    uri = f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode()}"
    return {"uri": uri, "columns": columns, "rows": lines, "width": width, "height": height}


def _from_row(data: Dataset, row: int, value_range: tuple[float, float]) -> Image.Image:
    """A row of X as a picture; grey ones dark on white, as in the paper's Figure 4."""
    assert isinstance(data.X, np.ndarray)
    assert data.image_shape is not None
    low, high = value_range
    values = (data.X[row].reshape(data.image_shape) - low) / (high - low)
    ink = values if values.ndim == 3 else 1 - values
    picture = Image.fromarray((ink.clip(0, 1) * 255).round().astype(np.uint8))
    largest = max(picture.size)
    if largest > LARGEST:
        picture = picture.resize([max(1, side * LARGEST // largest) for side in picture.size])
    return picture


def _from_files(data: Dataset, row: int) -> Image.Image:
    assert data.pictures is not None
    pixels = data.pictures.batch(int(row), int(row) + 1, LARGEST)[0]
    return Image.fromarray((pixels.permute(1, 2, 0) * 255).round().byte().numpy())
