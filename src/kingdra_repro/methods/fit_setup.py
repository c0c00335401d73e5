"""The start of a fit: its seed, and its checkpoint, which is identified by settings and data."""

import os
import zlib
from collections.abc import Container
from dataclasses import is_dataclass
from functools import partial
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from kingdra_repro.data.links import Links
from kingdra_repro.data.scaling import scaler_state
from kingdra_repro.data.streamed import Matrix, StreamedMatrix
from kingdra_repro.errors import InputError
from kingdra_repro.files import checksum_of_array, remove_temporary_files
from kingdra_repro.methods.clusterer import TrainedClusterer
from kingdra_repro.training.checkpoint import Checkpoint
from kingdra_repro.training.options import WITHOUT_EFFECT


def seed_and_checkpoint(
    estimator: TrainedClusterer,
    X: Matrix,
    labels: np.ndarray | None = None,
    links: Links | None = None,
    *,
    ignored_parameters: Container[str] = (),
) -> tuple[int, Checkpoint | None]:
    """Return the seed of a fit, and its checkpoint, which is None if ``checkpoint_dir`` is None.

    A fit without a seed draws one. If it is interrupted, the resumed fit uses the same seed.

    Parameters
    ----------
    X : float32 array, CSR matrix or StreamedMatrix [n, d], the data to fit
    labels : int64 array [n], the labels passed to ``fit``, or None
    links : the linked pairs passed to ``fit``, or None
    ignored_parameters : parameters that do not identify the checkpoint: a resumed fit may have other values

    Raises
    ------
    InputError
        If the checkpoint belongs to other settings or data, or cannot be written.
    """
    random_state = estimator.random_state
    seeded = isinstance(random_state, int | np.integer | np.random.RandomState)
    if isinstance(random_state, int | np.integer):
        seed = int(random_state)
    else:
        seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    if estimator.checkpoint_dir is None:
        return seed, None
    settings = {
        name: _with_stable_repr(value)
        for name, value in estimator.get_params(deep=False).items()
        if name not in WITHOUT_EFFECT and name not in ignored_parameters
    }
    settings["random_state"] = seed if seeded else "drawn"
    run = f"{type(estimator).__name__} {settings} X{X.shape} {checksum_of_array(X)}"
    if isinstance(X, StreamedMatrix):
        run += f" shuffled by {X.rows_per_buffer}{_scaling(X)}"
    if labels is not None:
        run += f" y {checksum_of_array(labels)}"
    if links is not None:
        run += f" links {links.checksum()}"
    checkpoint = Checkpoint(Path(os.path.expanduser(estimator.checkpoint_dir)), run)
    for folder in (checkpoint.folder, checkpoint.folder / "best", *checkpoint.folder.glob("phase*")):
        remove_temporary_files(folder)
    begun = checkpoint.load("seed")
    seed = seed if begun is None else int(begun["seed"])
    checkpoint.save("seed", {"seed": seed})
    return seed, checkpoint


def _scaling(X: StreamedMatrix) -> str:
    """Describe how the numbers in the file are scaled, which their checksum does not include."""
    if X.pixels:
        return " divided by 255"
    if X.scaler is None:
        return ""
    return f" scaled {zlib.crc32(repr(scaler_state(X.scaler)).encode()):08x}"


def _with_stable_repr(value: Any) -> Any:
    """Replace a parameter by a value whose ``repr`` is the same in every process; InputError for a lambda."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [_with_stable_repr(one) for one in value]
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":  # ``repr`` leaves out the middle
        return f"array {value.dtype} {value.shape} {zlib.crc32(value.tobytes()):08x}"
    if isinstance(value, dict):
        return {name: _with_stable_repr(one) for name, one in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(repr(_with_stable_repr(one)) for one in value)
    if isinstance(value, partial):
        named = _with_stable_repr(value.keywords)
        return "partial", _with_stable_repr(value.func), _with_stable_repr(value.args), named
    if isinstance(value, FunctionType) and value.__name__ == "<lambda>":
        raise InputError(
            "A lambda cannot be identified in a checkpoint: write a function, or leave checkpoint_dir out"
        )
    if isinstance(value, MethodType):
        return "method", _with_stable_repr(value.__func__), _with_stable_repr(value.__self__)
    if isinstance(value, FunctionType | BuiltinFunctionType):
        return f"{value.__module__}.{value.__qualname__}"
    # The default contains the memory address, as does that of a dataclass which holds such an object.
    if type(value).__repr__ is object.__repr__ or (is_dataclass(value) and " at 0x" in repr(value)):
        held = _with_stable_repr(getattr(value, "__dict__", {}))
        return f"{type(value).__module__}.{type(value).__qualname__} {held}"
    return value
