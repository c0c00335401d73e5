"""A setting that names a file, a folder or a column, as it was given."""

import os
from typing import Any

from kingdra_repro.errors import InputError
from kingdra_repro.whole import is_whole


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
