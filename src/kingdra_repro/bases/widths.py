"""What a base model's hidden layers may be."""

from collections.abc import Iterable
from typing import Any

from kingdra_repro.errors import InputError
from kingdra_repro.whole import is_whole


def as_tuple(name: str, values: Any) -> tuple:
    """A setting that is a sequence, as a tuple; InputError where it is none."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InputError(f"base.{name}={values!r} is no list: give one, such as [1200, 1200]")
    return tuple(values)


def check_widths(hidden: tuple) -> None:
    """Raise InputError unless the widths of hidden layers are whole numbers above 0."""
    if not all(is_whole(width, 1) for width in hidden):
        raise InputError(f"base.hidden={list(hidden)} has a width that is no whole number above 0: give such")
