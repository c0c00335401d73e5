"""The events that a method reports during a fit, and the interface of monitors that receive them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a fit is, reported after every training step.

    Attributes
    ----------
    iteration, n_iter : int; iteration 0 is the unsupervised phase, the only phase of most methods
    epoch, n_epochs : int, the current epoch (from 1) and the number of epochs of this phase
    model_epochs_done, model_epochs_total : float, over the whole fit; one epoch of one model counts 1
    losses : function that returns the mean of each term over the models of this step; on a GPU it waits for
        the step
    n_pseudo_labels : int, 0 if there are none
    """

    iteration: int = 0
    n_iter: int = 0
    epoch: int
    n_epochs: int
    model_epochs_done: float
    model_epochs_total: float
    losses: Callable[[], dict[str, float]]
    n_pseudo_labels: int = 0


@dataclass(frozen=True)
class Iteration:
    """The state of a fit after a phase.

    Attributes
    ----------
    index : int, 0 for the unsupervised phase of an ensemble; methods without an ensemble count from 1
    labels : int64 array [n], the labels that the method would return now; None if it has none yet
    model_labels : integer array [n_models, n], the labels of each model; None without an ensemble
    pseudo_labels : int64 array [n], the mini-clusters found now, -1 for points in none; None if the method
        makes none
    row : the values known of this phase without true labels, by name
    """

    index: int
    labels: np.ndarray | None
    model_labels: np.ndarray | None
    pseudo_labels: np.ndarray | None
    row: dict[str, Any]


class Monitor(Protocol):
    """An object that is notified of a fit's progress."""

    def progress(self, event: Progress) -> None: ...

    def iteration(self, it: Iteration) -> None: ...
