"""What a base model's numbers may be: told before hours of training end in NaN."""

import math
from dataclasses import fields
from numbers import Real
from typing import Any

from kingdra_repro.errors import InputError


def check_numbers(base: Any) -> None:
    """Raise InputError unless each float of a base (a dataclass) is a finite number of 0 or more.

    None is let through where the base has it for "unchanged".
    """
    for field in fields(base):
        value = getattr(base, field.name)
        if field.type is float or (field.type == float | None and value is not None):
            check_number(field.name, value)


def check_number(name: str, value: Any) -> None:
    """Raise InputError unless the value of that setting is a finite number of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) < math.inf:
        raise InputError(f"base.{name}={value!r} must be a finite number of 0 or more")
