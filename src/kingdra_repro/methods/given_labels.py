"""Labels and linked pairs of some points that a method learns from: drawing them, and validating them."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from kingdra_repro.checks import invalid_value, is_integer, open_fraction
from kingdra_repro.data.formats.labels import UNKNOWN
from kingdra_repro.data.links import Closure, Links, closure, propagate_labels
from kingdra_repro.errors import InputError
from kingdra_repro.library_state import default_library_state
from kingdra_repro.methods.clusterer import Clusterer, fit_context
from kingdra_repro.methods.features import checked_data
from kingdra_repro.training.seeds import Purpose, numpy_stream
from kingdra_repro.training.supervised import PseudoLabels

# Words that mark a class as unknown; not "-" and ".", which may be classes.
MARKS = ("-1", "-1.0", "", "None", *(mark for mark in UNKNOWN if mark not in ("-", ".")))
MIN_LABELS_PER_CLASS = 2  # if a fraction of each class is drawn: a point and another of its class


@dataclass(frozen=True)
class Supervision:
    """Labels and linked pairs that a method is fitted with in addition to the data; there may be none.

    Attributes
    ----------
    labels : int64 array [n], classes 0..k-1, -1 if unknown; includes those that follow from the links
    links : Closure or None
    """

    labels: np.ndarray
    links: Closure | None = None

    @classmethod
    def of(cls, labels: np.ndarray, links: Links | None) -> "Supervision":
        """Compute the closure of the links; raise InputError if they contradict each other or the labels."""
        if links is None:
            return cls(labels)
        closed = closure(len(labels), links)
        return cls(propagate_labels(labels, closed), closed)

    @property
    def classes(self) -> Tensor:
        """The classes that have a label, int64: in every model, outputs of these numbers stand for them."""
        return torch.from_numpy(np.unique(self.labels[self.labels >= 0]))

    def pseudo_labels(self, n_models: int, n_clusters: int) -> PseudoLabels | None:
        """Return the labels as pseudo-labels, for the first phase to train on; None if there are none."""
        if len(self.classes) == 0:
            return None
        return PseudoLabels(self.labels, np.tile(np.arange(n_clusters), (n_models, 1)))


NO_SUPERVISION = Supervision(np.empty(0, np.int64))


def draw_labels(
    y: np.ndarray | None,
    n_clusters: int,
    per_class: int | None = None,
    seed: int = 0,
    *,
    fraction: float | None = None,
) -> np.ndarray:
    """Draw labels at random: a number of points of each class, or a fraction of each class.

    Parameters
    ----------
    y : int64 array [n], the classes 0..n_clusters-1, or None
    n_clusters : int
    per_class : int or None
        Points to draw from each class; ignored if ``fraction`` is given.
    seed : int
    fraction : float or None
        Fraction of each class to draw, rounded down, but at least two points.

    Returns
    -------
    int64 array [n]
        The class of each drawn point, -1 for all others.

    Raises
    ------
    InputError
        If the classes are unknown, their number is not ``n_clusters``, drawing would leave no point of a
        class, or the seed is negative.
    """
    if y is None:
        raise InputError(
            "There are no classes to draw labels from in this data set: give labels with dataset.given=COLUMN"
        )
    if seed < 0:
        raise invalid_value("an integer of at least 0", "random_state", seed)
    y = np.asarray(y)
    if y.ndim != 1 or y.dtype.kind not in "iub":
        raise InputError(f"y must be integers, the class of each point; got {y.dtype} of shape {y.shape}")
    if y.min(initial=0) < 0:
        raise InputError(f"y must be classes from 0, known of every point; got {y.min()}")
    if y.max(initial=0) > len(y):  # before an array is made of as many classes
        raise InputError(f"y has a class {y.max()}, and {len(y)} points: number the classes without a gap")
    y = y.astype(np.int64, copy=False)
    sizes = np.bincount(y)
    if len(sizes) != n_clusters:
        raise invalid_value(f"the number of classes, {len(sizes)}", "n_clusters", n_clusters)
    if sizes.min() == 0:
        raise InputError(f"y has no point of class {sizes.argmin()}: number the classes without a gap")
    if sizes.min() < 2:
        raise InputError(
            "The smallest class has one point: there is none left to score, leave that class out"
        )
    rng = numpy_stream(seed, 0, Purpose.GIVEN_LABELS)
    given = np.full(len(y), -1, np.int64)
    for c, n_drawn in enumerate(_numbers(sizes, per_class, fraction)):
        given[rng.choice(np.flatnonzero(y == c), n_drawn, replace=False)] = c
    return given


def _numbers(sizes: np.ndarray, per_class: int | None, fraction: float | None) -> np.ndarray:
    """Return the number of points to draw from each class, given the sizes of the classes."""
    if fraction is None:
        if not is_integer(per_class, 1) or per_class >= sizes.min():
            what = f"an integer from 1 to {sizes.min() - 1}, which leaves some points of the smallest class"
            raise invalid_value(what, "labels_per_class", per_class)
        return np.full(len(sizes), per_class)
    open_fraction("labels_fraction", fraction)
    exact = np.round(sizes * fraction, 9)  # 100 * 0.29 is a little below 29
    numbers = np.maximum(MIN_LABELS_PER_CLASS, exact.astype(np.int64))
    if (numbers >= sizes).any():
        c = int(np.argmax(numbers >= sizes))
        raise InputError(
            f"labels_fraction={fraction} leaves none of the {sizes[c]} points of class {c} to score: give "
            "less"
        )
    return numbers


class ClassWithoutLabel(InputError):
    """Raised if a method needs a label of each class; ``classes``, an int64 array, are those without one."""

    def __init__(self, message: str, classes: np.ndarray) -> None:
        super().__init__(message)
        self.classes = classes


def validate_labels(y: Any, n: int, n_clusters: int) -> np.ndarray:
    """Validate the labels passed to ``fit``; return int64 array [n] of 0..n_clusters-1, -1 if unknown.

    Raises
    ------
    InputError
        If they do not fit n points, or have other values.
    ClassWithoutLabel
        If a class has no label.
    """
    y = check_classes(y, n, n_clusters)
    without = np.setdiff1d(np.arange(n_clusters), y)
    if len(without):
        raise ClassWithoutLabel(
            f"y must have labels of all {n_clusters} classes; got none of class {without[0]}: label a point "
            "of each, or give another n_clusters",
            without,
        )
    return y


def validate_optional_labels(y: Any, n: int, n_clusters: int) -> np.ndarray:
    """Validate labels for a method that does not need any: as `validate_labels`, but classes may have none.

    A ``y`` with a label of every point is ignored, and -1 returned for all points: scikit-learn passes such
    a ``y`` to all estimators, and clusterers ignore it.

    Raises
    ------
    InputError
        If some labels are unknown, and the others are not classes 0..n_clusters-1 or do not fit n points; or
        if an unknown label is not -1, but another negative number, a missing value or a mark such as "?".
    """
    _refuse_masks(y)
    values = np.asarray(y)
    if values.dtype.kind == "T":  # texts of any length, since NumPy 2
        values = values.astype(object)
    if values.dtype.kind in "OUS":
        unknown = np.isin(np.char.strip(values.astype(str)), MARKS) & (y is not None)
    elif values.dtype.kind in "iu":  # -1 cast to an unsigned type is the type's maximum
        largest = values == max(np.iinfo(values.dtype).max, n_clusters)
        unknown = (values < 0) | (largest & (values.dtype.kind == "u"))
    else:
        unknown = (values == -1) | (values != values)
    if not unknown.any():
        return np.full(n, -1, np.int64)
    return check_classes(values, n, n_clusters)


def _refuse_masks(y: Any) -> None:
    if np.ma.is_masked(y):
        raise InputError("y has masked values: give -1 where a class is not known, such as by y.filled(-1)")


def check_classes(y: Any, n: int, n_clusters: int) -> np.ndarray:
    """Validate labels as `validate_labels` does, without requiring a label of each class."""
    if y is None:
        raise InputError("y is missing: give the classes 0 to k - 1 of some points, and -1 for the others")
    _refuse_masks(y)
    y = np.asarray(y)
    if y.shape != (n,) or y.dtype.kind not in "iu":
        raise InputError(
            f"y must be integers of shape ({n},), -1 where not known; got {y.dtype} of shape {y.shape}"
        )
    y = y.astype(np.int64)
    if not -1 <= y.min() <= y.max() < n_clusters:
        raise InputError(f"y must be classes 0 to {n_clusters - 1}, or -1; got values {y.min()} to {y.max()}")
    return y


@dataclass(eq=False, repr=False, kw_only=True)
class LabelledClusterer(ClassifierMixin, Clusterer):
    """Base class of methods without networks that need the classes of some points; they are deterministic.

    Parameters
    ----------
    n_clusters : int, default=8
        k, the number of classes.

    Attributes
    ----------
    classes_ : int64 array [k], 0..k-1
    """

    takes_labels: ClassVar[bool] = True

    @default_library_state()
    def fit(self, X: Any, y: Any) -> Self:  # type: ignore[override]
        """Cluster X, array or sparse matrix [n, d], with y, int array [n]: classes 0..k-1, -1 if unknown.

        Raises
        ------
        InputError
            (a ValueError) If a parameter is invalid, y does not fit X, or a class has no label.
        """
        with fit_context(self, X) as X:
            y = validate_labels(y, X.shape[0], self.n_clusters)
            self.classes_ = np.arange(self.n_clusters)
            self._fit_validated(X, y)
        return self

    @default_library_state()
    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of each row of X, array or sparse matrix [m, d]: int64 array [m]."""
        check_is_fitted(self)
        return self._classes_of(checked_data(self, X, reset=False))

    @abstractmethod
    def _fit_validated(self, X: np.ndarray | sp.csr_matrix, y: np.ndarray) -> None:
        """Cluster validated data with validated labels; set ``labels_`` and what prediction uses."""

    @abstractmethod
    def _classes_of(self, X: np.ndarray | sp.csr_matrix) -> np.ndarray:
        """Return the class of each row of validated data: int64 array [m]."""
