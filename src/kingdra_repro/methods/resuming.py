"""How a fit begins: with its seed, and with what a killed one left."""

import os
from collections.abc import Container
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from kingdra_repro.errors import InputError
from kingdra_repro.files import checksum_of_array, remove_parts
from kingdra_repro.training.checkpoint import Checkpoint

# Where a fit runs and who watches is no part of what a run is. It changes rounding, and on a GPU the noise.
WITHOUT_EFFECT = frozenset({"device", "n_jobs", "compile", "checkpoint_dir", "monitor"})


def begin(
    estimator: BaseEstimator,
    X: np.ndarray | sp.csr_matrix,
    labels: np.ndarray | None = None,
    *,
    may_change: Container[str] = (),
) -> tuple[int, Checkpoint | None]:
    """The seed of a fit, and its checkpoint where the estimator has a ``checkpoint_dir``.

    A fit without a seed draws one, and takes it up again when it goes on.

    Parameters
    ----------
    estimator : with ``random_state`` and ``checkpoint_dir``
    X : float32 array or CSR matrix, the data to fit
    labels : int64 array, those that the fit is given, or None
    may_change : parameters that a fit may go on with another value of

    Raises
    ------
    InputError
        If the checkpoint is of other settings or data, or cannot be written.
    """
    seed = seed_of(estimator.random_state)
    if not isinstance(estimator.checkpoint_dir, str | os.PathLike | None):
        raise InputError(f"checkpoint_dir={estimator.checkpoint_dir!r} is no path: give a folder, or None")
    if estimator.checkpoint_dir is None:
        return seed, None
    settings = {
        name: _described(value)
        for name, value in estimator.get_params(deep=False).items()
        if name not in WITHOUT_EFFECT and name not in may_change
    }
    if not isinstance(estimator.random_state, int | np.integer):
        settings["random_state"] = "drawn"
    run = f"{type(estimator).__name__} {settings} X{X.shape} {checksum_of_array(X)}"
    if labels is not None:
        run += f" y {checksum_of_array(labels)}"
    checkpoint = Checkpoint(Path(estimator.checkpoint_dir), run)
    remove_parts(checkpoint.folder)
    begun = checkpoint.load("seed")
    seed = seed if begun is None else int(begun["seed"])
    checkpoint.save("seed", {"seed": seed})
    return seed, checkpoint


def seed_of(random_state: int | np.random.RandomState | None) -> int:
    """The number that a ``random_state`` stands for; drawn where it is none."""
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def _described(value: Any) -> Any:
    """A parameter with a ``repr`` that is the same in another process, and for an equal number of NumPy's."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        described = [_described(one) for one in value]
        return described if isinstance(value, list) else tuple(described)
    if isinstance(value, partial):
        return "partial", _described(value.func), _described(value.args), value.keywords
    if isinstance(value, FunctionType) and value.__name__ == "<lambda>":
        raise InputError(
            "A lambda has no name to know it by again: write a function, or leave checkpoint_dir out"
        )
    if isinstance(value, FunctionType):
        return f"{value.__module__}.{value.__qualname__}"
    if type(value).__repr__ is object.__repr__:  # it would tell where in memory it lies
        held = {name: _described(one) for name, one in getattr(value, "__dict__", {}).items()}
        return f"{type(value).__module__}.{type(value).__qualname__} {held}"
    return value
