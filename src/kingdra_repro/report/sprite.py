"""Many small pictures in one PNG, for a page without other files."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

COLUMNS = 12
GREYS, COLOURS = 16, 64  # shades that are kept: enough for a small picture, at half the bytes or less


def sprite(pictures: np.ndarray) -> dict[str, Any]:
    """Pictures side by side.

    Parameters
    ----------
    pictures : uint8 array [m, height, width] or [m, height, width, 3], m > 0

    Returns
    -------
    dict
        ``uri`` (``data:image/png;base64,...``), ``columns``, ``rows``, and ``width`` and ``height`` of one
        picture in pixels. Picture i is in column ``i % columns`` of row ``i // columns``.
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
