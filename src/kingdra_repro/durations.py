"""Lengths of time as people write them."""

import re

from kingdra_repro.errors import InputError

_SECONDS = {"h": 3600, "min": 60, "m": 60, "s": 1}


def parse_duration(given: str) -> float:
    """Seconds of ``2h``, ``90min``, ``1h30min`` or ``45s``.

    Raises
    ------
    InputError
        For anything else, and for a number without a unit.
    """
    text = given.replace(" ", "").lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|min|m|s)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise InputError(f"budget={given} is no length of time: give one such as budget=2h or budget=1h30min")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def show_duration(seconds: float) -> str:
    """``1:05:09``: hours, minutes, seconds."""
    whole = round(max(seconds, 0))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
