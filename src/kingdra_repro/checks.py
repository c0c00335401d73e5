"""Validation of parameter values: one function for each kind of value, all with the same form of message.

`integer(1)("n_models", 0)` raises InputError: "n_models must be an integer of at least 1; got 0". A class
lists its checks in a table: ``checks = {"n_models": integer(1), "learning_rate": positive}``.
"""

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from numbers import Integral, Real
from typing import Any

from kingdra_repro.errors import InputError

Check = Callable[[str, Any], None]  # takes a parameter's name and value
LARGEST_SEED = 2**32 - 1  # the limit of scikit-learn and NumPy


def invalid_value(what: str, name: str, value: Any) -> InputError:
    """Return the InputError to raise for a parameter with an invalid value."""
    return InputError(f"{name} must be {what}; got {value!r}", parameter=name)


def check_parameters(checked: Any, checks: Mapping[str, Check]) -> None:
    """Check the attributes of an object against a table of checks."""
    for name, check in checks.items():
        check(name, getattr(checked, name))


def is_integer(value: Any, least: int | None = None) -> bool:
    """Return whether a value is an integer, and at least `least` if given; booleans are not integers."""
    integral = isinstance(value, Integral) and not isinstance(value, bool)
    return integral and (least is None or int(value) >= least)


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number; booleans are not numbers."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def integer(least: int) -> Check:
    """Return a check for an integer of at least `least`."""

    def check(name: str, value: Any) -> None:
        if not is_integer(value, least):
            raise invalid_value(f"an integer of at least {least}", name, value)

    return check


def level(name: str, value: Any) -> None:
    """Check a verbosity level: an integer of at least 0, or a boolean (True is 1)."""
    if not isinstance(value, bool):
        integer(0)(name, value)


def _number(what: str, is_right: Callable[[Any], bool]) -> Check:
    def check(name: str, value: Any) -> None:
        if not is_number(value) or not is_right(value):
            raise invalid_value(what, name, value)

    return check


positive = _number("a positive number", lambda value: value > 0)
non_negative = _number("a finite number of at least 0", lambda value: value >= 0)
fraction = _number("a number of at least 0 and below 1", lambda value: 0 <= value < 1)
open_fraction = _number("a number above 0 and below 1", lambda value: 0 < value < 1)


def choice(*known: Any) -> Check:
    """Return a check for one of the given values."""

    def check(name: str, value: Any) -> None:
        if value not in known:
            raise invalid_value(f"one of {', '.join(map(str, known))}", name, value)

    return check


def optional(check: Check) -> Check:
    """Return a check that also accepts None."""
    return lambda name, value: None if value is None else check(name, value)


def widths(name: str, value: Any) -> None:
    """Check for a non-empty sequence of layer widths."""
    if not isinstance(value, Sequence) or not value or not all(is_integer(width, 1) for width in value):
        raise invalid_value("the widths of one layer or more, such as [1200, 1200]", name, value)


def seed(name: str, value: Any) -> None:
    """Check the range of an integer seed; other values, such as a RandomState, are left to scikit-learn."""
    if isinstance(value, Integral) and not 0 <= int(value) <= LARGEST_SEED:
        raise invalid_value(f"an integer from 0 to {LARGEST_SEED}", name, value)


def path(name: str, value: Any) -> None:
    """Check for the name of a file or folder."""
    if not isinstance(value, str | os.PathLike) or value == "":
        raise invalid_value("a path", name, value)


def check_numbers(base: Any) -> None:
    """Raise InputError unless each float field of a base (a dataclass) is a finite number of at least 0.

    Fields of type ``float | None`` may be None, which means "unchanged".
    """
    for field in fields(base):
        if field.type is float:
            non_negative(field.name, getattr(base, field.name))
        elif field.type == float | None:
            optional(non_negative)(field.name, getattr(base, field.name))


def as_tuple(name: str, values: Any) -> tuple:
    """Return the values of a setting as a tuple; raise InputError if it is a string or not iterable."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise invalid_value("a list of numbers", name, values)
    return tuple(values)


def check_widths(hidden: tuple) -> None:
    """Raise InputError unless the widths of hidden layers are integers above 0; the tuple may be empty."""
    if not all(is_integer(width, 1) for width in hidden):
        raise invalid_value("a list of integers above 0, such as [1200, 1200]", "hidden", hidden)


def given_path(setting: str, given: Any) -> str | os.PathLike:
    """Validate the path given as a ``dataset`` setting, and return it; an integer is converted to a str."""
    if is_integer(given):
        return str(given)
    if given is None or given == "":
        raise InputError(f"dataset.{setting} must not be empty: give dataset.{setting}=NAME")
    if not isinstance(given, str | os.PathLike):
        raise InputError(f"dataset.{setting} must be a name; got {given!r}: give dataset.{setting}=NAME")
    return given


def check_image_shape(shape: Any, n_features: int | None = None) -> None:
    """Raise InputError unless rows of `n_features` values can be pictures of this shape; None is accepted."""
    if shape is None:
        return
    if (
        not isinstance(shape, Sequence)
        or len(shape) not in (2, 3)
        or not all(is_integer(side, 1) for side in shape)
    ):
        raise invalid_value("(height, width) or (height, width, channels)", "image_shape", shape)
    if n_features is not None and math.prod(shape) != n_features:
        raise invalid_value(f"a shape of {n_features} numbers, as the rows have", "image_shape", shape)
