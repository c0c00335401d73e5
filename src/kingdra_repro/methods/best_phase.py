"""Choice of the phase of Kingdra that gives the answer; pseudo-labels can make later phases worse."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.neighbors import kneighbors_graph
from torch import Tensor

from kingdra_repro.data.streamed import Matrix
from kingdra_repro.sampling import fixed_sample
from kingdra_repro.training.checkpoint import Checkpoint
from kingdra_repro.training.prediction import FittedEnsemble

SAMPLED = 20_000  # points in the graph, at most: the search for neighbours takes quadratic time
NEIGHBOURS = 10


@dataclass(frozen=True)
class Phase:
    """The answer after a phase, and the ensemble that gave it.

    Attributes
    ----------
    modularity : see `BestPhase`
    answer : ``labels``, ``model_labels``, ``pseudo_labels``, and ``outputs``: the output of each model that
        stands for each cluster
    weights : the state of each model
    """

    number: int
    modularity: float
    answer: dict[str, Tensor]
    weights: list[dict[str, Tensor]]


class BestPhase:
    """The phase whose clusters have had the largest modularity so far; ties go to the later phase.

    The modularity is that of the clusters in the graph of the ten nearest neighbours, on a sample of 20,000
    points if there are more. It uses no labels and is not in the paper. It does not detect all harm that
    pseudo-labels do, and may choose an earlier phase although accuracy still rises (results/best_phase.csv).
    """

    def __init__(self, X: Matrix) -> None:
        self._X = X
        self.phase: Phase | None = None
        self._saved: int | None = None

    @cached_property
    def _rows(self) -> np.ndarray:
        return fixed_sample(self._X.shape[0], SAMPLED)

    @cached_property
    def _graph(self) -> sp.csr_matrix:
        return neighbour_graph(self._X[self._rows])

    def update(self, number: int, answer: dict[str, Tensor], fitted: Callable[[], FittedEnsemble]) -> float:
        """Return the modularity of a phase, and keep the phase unless an earlier one has a larger modularity.

        ``fitted`` returns the current ensemble, and is called only if the phase is kept. For ``answer`` see
        `Phase`.
        """
        found = modularity(self._graph, answer["labels"].numpy()[self._rows])
        if self.phase is None or found >= self.phase.modularity:
            self.phase = Phase(number, found, answer, fitted().weights)
        return found

    def save(self, checkpoint: Checkpoint) -> None:
        """Save the best phase; call this before the phase trained last is committed.

        The best phase saved before is kept as well: until that commit, a fit that resumes needs it.
        """
        if self.phase is None:
            return
        number = self.phase.number
        if number != self._saved:
            state = {"modularity": self.phase.modularity, "answer": self.phase.answer}
            checkpoint.save(_name(number), {**state, "weights": self.phase.weights})
        for name in checkpoint.names("best/phase"):
            if name not in {_name(number), _name(self._saved)}:
                checkpoint.remove(name)
        self._saved = number

    def resume(self, checkpoint: Checkpoint | None, next_phase: int) -> None:
        """Load the best phase that an interrupted fit saved, among the phases before ``next_phase``.

        Raises
        ------
        InputError
            If the saved state is damaged.
        """
        if checkpoint is None:
            return
        saved = [int(name.removeprefix("best/phase")) for name in checkpoint.names("best/phase")]
        number = max((one for one in saved if one < next_phase), default=None)
        if number is not None:
            state: dict[str, Any] = checkpoint.load(_name(number)) or {}
            self.phase, self._saved = Phase(number, **state), number


def neighbour_graph(X: np.ndarray | sp.csr_matrix, n_neighbors: int = NEIGHBOURS) -> sp.csr_matrix:
    """Return the graph that joins each point of X [n, d] to its nearest neighbours by Euclidean distance.

    It is a symmetric CSR matrix [n, n] of 0 and 1. If there are fewer than ``n_neighbors`` other points, a
    point is joined to all of them.
    """
    graph = kneighbors_graph(X, min(n_neighbors, X.shape[0] - 1))
    return graph.maximum(graph.T).tocsr()


def modularity(graph: sp.csr_matrix, labels: np.ndarray) -> float:
    """Compute the modularity: the share of edges within clusters minus that expected by chance.

    Newman (2004), Eq. 5: Q = sum over clusters c of e_cc - a_c^2, where e_cc is the share of edges within c
    and a_c the share of edge ends in c. Q is below 1, and 0 for a single cluster.

    Parameters
    ----------
    graph : symmetric CSR matrix [n, n] of 0 and 1 with at least one edge, such as from `neighbour_graph`
    labels : int array [n], clusters numbered from 0
    """
    degrees = np.asarray(graph.sum(1)).ravel()
    i, j = graph.nonzero()
    within = (labels[i] == labels[j]).sum() / degrees.sum()
    return float(within - ((np.bincount(labels, degrees) / degrees.sum()) ** 2).sum())


def _name(number: int | None) -> str:
    return f"best/phase{number}"
