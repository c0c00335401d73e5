"""The interface of pseudo-labellers, and the result that each of them returns."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Protocol

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from kingdra_repro.checks import invalid_value, is_number
from kingdra_repro.errors import InputError


@dataclass(frozen=True)
class MiniClusters:
    """A set of mini-clusters, found in the outputs of an ensemble.

    Attributes
    ----------
    labels : LongTensor [n], the mini-cluster of each point, -1 for none
    sizes : LongTensor [k], the number of points in each mini-cluster
    complete : bool, whether all k mini-clusters are large enough to train on
    relaxed : bool, whether the set was found with other settings than those given
    info : further values for the history, by name
    """

    labels: Tensor
    sizes: Tensor
    complete: bool
    relaxed: bool = False
    info: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, labels: Tensor | ArrayLike, n_clusters: int, min_fraction: float, **more: Any
    ) -> "MiniClusters":
        """Make a set from labels: complete if each mini-cluster has ``min_fraction * n / k`` points, and one.

        Raises
        ------
        InputError
            If a label is not -1 or from 0 to k - 1.
        """
        labels = torch.as_tensor(labels)
        if labels.numel() and not -1 <= int(labels.min()) <= int(labels.max()) < n_clusters:
            raise InputError(
                f"Mini-clusters must be numbered 0 to {n_clusters - 1}, -1 for none; got "
                f"{int(labels.min())} to {int(labels.max())}"
            )
        sizes = torch.bincount(labels[labels >= 0], minlength=n_clusters)
        smallest = max(1, ceil(min_fraction * len(labels) / n_clusters))
        return cls(labels, sizes, bool(sizes.min() >= smallest), **more)


class PseudoLabeller(Protocol):
    """A way of making pseudo-labels: an object with its settings, called once per phase."""

    def __call__(self, proba: Tensor, features: Callable[[], Tensor]) -> MiniClusters:
        """Label points, without reading their classes.

        Parameters
        ----------
        proba : float32 Tensor [n_models, n, k], the outputs of an ensemble
        features : function that computes the last hidden layer of the first model, float32 Tensor [n, width];
            nothing is computed unless it is called
        """
        ...


def min_fraction(name: str, value: Any) -> None:
    """Check a fraction of n / k."""
    if not is_number(value) or not 0 <= value <= 1:
        raise invalid_value("a number from 0 to 1", name, value)
