"""What all estimators check before they fit: their parameters and their data."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from kingdra_repro.checks import is_whole
from kingdra_repro.data.validation import check_magnitude, check_spread
from kingdra_repro.errors import InputError

LARGEST_SEED = 2**32 - 1
SET_BY_SCIKIT_LEARN = ("_metadata_request", "_sklearn_output_config")  # set_fit_request(), set_output()
PRECISIONS = ("float32", "tf32", "bfloat16")  # of matrix products


def check_whole(estimator: BaseEstimator, least: Mapping[str, int]) -> None:
    """Raise InputError unless the parameters named are whole numbers, the given ones or more."""
    for name, lowest in least.items():
        if not is_whole(value := getattr(estimator, name), lowest):
            raise InputError(f"{name}={value!r} must be a whole number, {lowest} or more")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def check_positive(estimator: BaseEstimator, names: Iterable[str]) -> None:
    """Raise InputError unless the parameters named are numbers above 0."""
    for name in names:
        value = getattr(estimator, name)
        if not _is_number(value) or not 0 < value < np.inf:
            raise InputError(f"{name}={value!r} must be more than 0")


def check_not_negative(estimator: BaseEstimator, names: Iterable[str]) -> None:
    """Raise InputError unless the parameters named are numbers of at least 0."""
    for name in names:
        value = getattr(estimator, name)
        if not _is_number(value) or not 0 <= value < np.inf:
            raise InputError(f"{name}={value!r} must be 0 or more")


def check_part(estimator: BaseEstimator, names: Iterable[str]) -> None:
    """Raise InputError unless the parameters named are numbers of at least 0 and below 1."""
    for name in names:
        value = getattr(estimator, name)
        if not _is_number(value) or not 0 <= value < 1:
            raise InputError(f"{name}={value!r} is a part of the whole: give a number of at least 0, below 1")


def check_choice(estimator: BaseEstimator, choices: Mapping[str, Sequence[str]]) -> None:
    """Raise InputError unless the parameters named have one of the given values."""
    for name, known in choices.items():
        if (value := getattr(estimator, name)) not in known:
            raise InputError(f"{name}={value!r} is unknown: choose one of {', '.join(known)}")


def check_widths(estimator: BaseEstimator, name: str) -> None:
    """Raise InputError unless the parameter is a sequence of the widths of layers."""
    value = getattr(estimator, name)
    if not isinstance(value, Sequence) or not value or not all(is_whole(width, 1) for width in value):
        raise InputError(f"{name}={value!r} must be the widths of one layer or more, such as [1200, 1200]")


def check_seed(estimator: BaseEstimator) -> None:
    """Raise InputError if ``random_state`` is a number that scikit-learn and NumPy do not take as a seed."""
    seed = estimator.random_state
    if isinstance(seed, int | np.integer) and seed < 0:
        raise InputError(f"random_state={seed} is negative: give a seed of 0 or more")
    if isinstance(seed, int | np.integer) and seed > LARGEST_SEED:
        raise InputError(f"random_state={seed} is too large: give a seed of at most {LARGEST_SEED}")


def checked_data(estimator: BaseEstimator, X: Any, *, reset: bool) -> np.ndarray | sp.csr_matrix:
    """X as float32 array or CSR matrix [n, d] of finite numbers.

    Parameters
    ----------
    reset : whether these are data to fit (n >= n_clusters), or to predict (d as they were)

    Raises
    ------
    InputError
        For fewer points than clusters, and columns that float32 does not tell apart; scikit-learn's
        ValueError for NaN, infinities and wrong shapes.
    """
    given = validate_data(
        estimator,
        X,
        accept_sparse="csr",
        dtype="numeric",
        reset=reset,
        ensure_min_samples=2 if reset else 1,
    )
    check_magnitude(given)
    if reset:
        check_spread(given)
    X = given.astype(np.float32, copy=False)
    if reset and estimator.n_clusters > X.shape[0]:
        raise InputError(
            f"n_clusters={estimator.n_clusters} is more than n_samples={X.shape[0]}: ask for fewer clusters"
        )
    return X


@contextmanager
def undone_if_it_fails(estimator: BaseEstimator) -> Iterator[None]:
    """A fit that fails within leaves the estimator unfitted, not a mixture of itself and the fit before."""
    try:
        yield
    except BaseException:
        kept = {*estimator.get_params(deep=False), *SET_BY_SCIKIT_LEARN}
        for name in set(vars(estimator)) - kept:
            delattr(estimator, name)
        raise
