"""What a value may be: an integer, a finite number, the widths of layers, the name of a file."""

import math
import os
from collections.abc import Iterable
from dataclasses import fields
from numbers import Real
from typing import Any

import numpy as np

from kingdra_repro.errors import InputError


def is_whole(value: Any, least: int | None = None) -> bool:
    """Whether a value is a whole number, `least` or more; True and False are none."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and (least is None or bool(value >= least))


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


def as_tuple(name: str, values: Any) -> tuple:
    """A setting that is a sequence, as a tuple; InputError where it is none."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InputError(f"base.{name}={values!r} is no list: give one, such as [1200, 1200]")
    return tuple(values)


def check_widths(hidden: tuple) -> None:
    """Raise InputError unless the widths of hidden layers are whole numbers above 0."""
    if not all(is_whole(width, 1) for width in hidden):
        raise InputError(f"base.hidden={list(hidden)} has a width that is no whole number above 0: give such")


def given_path(setting: str, given: Any) -> str | os.PathLike:
    """The name; a number on the command line may be one.

    Raises
    ------
    InputError
        Where it is empty, or no name.
    """
    if is_whole(given):
        return str(given)
    if given is None or given == "":
        raise InputError(f"dataset.{setting}= is empty: give a name")
    if not isinstance(given, str | os.PathLike):
        raise InputError(f"dataset.{setting}={given!r} is no name: give dataset.{setting}=NAME")
    return given
