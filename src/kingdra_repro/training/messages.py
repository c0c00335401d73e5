"""Messages between ranks, as bytes: plain values, arrays, and objects by their class and attributes.

As from a checkpoint, only tensors and plain values are unpickled. An object's class is imported, but none of
its methods is called.
"""

import importlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.errors import InputError

KIND = "\0kind"  # a dict with this key represents a value that is not plain


def message_bytes(value: Any) -> Tensor:
    """Serialise a value to a uint8 Tensor.

    Raises
    ------
    InputError
        If another process could not recreate the value, such as an object of a class in the script itself.
    """
    file = io.BytesIO()
    torch.save(_described(value), file)
    return torch.frombuffer(file.getbuffer(), dtype=torch.uint8)


def message_of(data: Tensor) -> Any:
    """Return the value that `message_bytes` serialised.

    Raises
    ------
    InputError
        If a class cannot be imported.
    """
    return _made(torch.load(io.BytesIO(data.numpy()), weights_only=True))  # type: ignore[arg-type]


def _described(value: Any) -> Any:
    if isinstance(value, np.generic):  # before the next check: NumPy's float64 is a float, too
        return value.item()
    if value is None or isinstance(value, bool | int | float | str | Tensor):
        return value
    if isinstance(value, np.ndarray):
        return {KIND: "array", "values": torch.from_numpy(np.require(value, requirements=("C", "W")))}
    if isinstance(value, Path):
        return {KIND: "path", "path": str(value.absolute())}
    if isinstance(value, dict):
        return {name: _described(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return (list if isinstance(value, list) else tuple)(_described(one) for one in value)
    kind = type(value)
    if not hasattr(value, "__dict__") or callable(value):
        raise InputError(f"{value!r} cannot be sent to other processes: use n_jobs=1")
    if kind.__module__ == "__main__" or "<locals>" in kind.__qualname__:
        raise _not_importable(kind.__qualname__, f"it is part of {kind.__module__}, or of a function")
    return {KIND: "object", "class": (kind.__module__, kind.__qualname__), "has": _described(vars(value))}


def _made(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_made(one) for one in value)
    if not isinstance(value, dict):
        return value
    if KIND not in value:
        return {name: _made(one) for name, one in value.items()}
    if value[KIND] == "array":
        return value["values"].numpy()
    if value[KIND] == "path":
        return Path(value["path"])
    module, name = value["class"]
    try:
        kind: Any = importlib.import_module(module)
        for part in name.split("."):
            kind = getattr(kind, part)
    except (ImportError, AttributeError) as error:
        raise _not_importable(name, str(error)) from error
    made = object.__new__(kind)
    vars(made).update(_made(value["has"]))
    return made


def _not_importable(name: str, why: str) -> InputError:
    return InputError(
        f"The other processes cannot import {name} ({why}): write the class of a base model at the top level "
        "of a module beside the script, or use n_jobs=1"
    )
