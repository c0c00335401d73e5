"""What a method tells while it fits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a fit is, reported after every training step.

    Attributes
    ----------
    iteration, n_iter : int; iteration 0 is the unsupervised phase, the only one of most methods
    epoch, n_epochs : int, of this phase (the epoch being trained counts from 1)
    model_epochs_done, model_epochs_total : float, over the whole fit; one model trained on one epoch is 1
    losses : function that gives the mean of each term over the models trained just now; on a GPU it waits
        for it
    n_pseudo_labels : int, 0 while there are none
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
    index : int, 0 for the unsupervised phase
    labels : int64 array [n], what the method would answer now; None where it has no answer yet
    model_labels : int64 array [n_models, n], what each model would answer; None where there is no ensemble
    pseudo_labels : int64 array [n], the mini-clusters found now, -1 for none; None where the method makes
        none
    row : what is known of this phase without labels, by name
    """

    index: int
    labels: np.ndarray | None
    model_labels: np.ndarray | None
    pseudo_labels: np.ndarray | None
    row: dict[str, Any]


class Monitor(Protocol):
    """What is notified of a fit's progress."""

    def progress(self, event: Progress) -> None: ...

    def iteration(self, it: Iteration) -> None: ...
