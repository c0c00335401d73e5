"""What counts as a whole number among settings."""

from typing import Any

import numpy as np


def is_whole(value: Any, least: int | None = None) -> bool:
    """Whether a value is a whole number, `least` or more; True and False are none."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and (least is None or bool(value >= least))
