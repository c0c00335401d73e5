"""Which phase of Kingdra is the answer, where it need not be the last: pseudo-labels can do harm."""

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

SAMPLED = 20_000  # points that are looked at: their neighbours take the square of their number
NEIGHBOURS = 10


@dataclass(frozen=True)
class Phase:
    """The answer after a phase, and the ensemble that gives it.

    Attributes
    ----------
    modularity : see `BestPhase`
    answer : ``labels``, ``model_labels``, ``pseudo_labels``, and ``outputs``: which output of each model is
        which cluster
    weights : the models' states
    """

    number: int
    modularity: float
    answer: dict[str, Tensor]
    weights: list[dict[str, Tensor]]


class BestPhase:
    """Holds the phase whose clusters have the largest modularity so far; of equal ones the last.

    Modularity is that of the clusters in the graph of the ten nearest neighbours, of 20,000 points where
    there are more. It reads no labels. Not in the paper. It misses some harm, and may stop what still rises
    (results/best_phase.csv).
    """

    def __init__(self, X: Matrix) -> None:
        self._X = X
        self.found: Phase | None = None
        self._saved: int | None = None

    @cached_property
    def _rows(self) -> np.ndarray:
        return fixed_sample(self._X.shape[0], SAMPLED)

    @cached_property
    def _graph(self) -> sp.csr_matrix:
        return neighbour_graph(self._X[self._rows])

    def consider(self, number: int, answer: dict[str, Tensor], fitted: Callable[[], FittedEnsemble]) -> float:
        """Hold a phase, if none before it has a larger modularity; return its modularity.

        ``fitted`` gives the ensemble as it is now, and is asked where the phase is held; for ``answer`` see
        `Phase`.
        """
        found = modularity(self._graph, answer["labels"].numpy()[self._rows])
        if self.found is None or found >= self.found.modularity:
            self.found = Phase(number, found, answer, fitted().weights)
        return found

    def save(self, checkpoint: Checkpoint) -> None:
        """Leave the phase for a fit that is killed; before the phase that was trained last is committed.

        The one saved before stays as well: it is the best of the phases that are committed until then.
        """
        if self.found is None:
            return
        number = self.found.number
        if number != self._saved:
            state = {"modularity": self.found.modularity, "answer": self.found.answer}
            checkpoint.save(_name(number), {**state, "weights": self.found.weights})
        for name in checkpoint.names("best/phase"):
            if name not in {_name(number), _name(self._saved)}:
                checkpoint.remove(name)
        self._saved = number

    def resume(self, checkpoint: Checkpoint | None, next_phase: int) -> None:
        """Take up what a killed fit saved, of the phases before the one that is next.

        Raises
        ------
        InputError
            If what was saved is damaged.
        """
        if checkpoint is None:
            return
        saved = [int(name.removeprefix("best/phase")) for name in checkpoint.names("best/phase")]
        number = max((one for one in saved if one < next_phase), default=None)
        if number is not None:
            state: dict[str, Any] = checkpoint.load(_name(number)) or {}
            self.found, self._saved = Phase(number, **state), number


def neighbour_graph(X: np.ndarray | sp.csr_matrix, n_neighbors: int = NEIGHBOURS) -> sp.csr_matrix:
    """Join each point of X [n, d] with its nearest others, by Euclidean distance; all edges weigh 1.

    Where there are fewer others than ``n_neighbors``, with all of them: symmetric CSR matrix [n, n] of 0, 1.
    """
    graph = kneighbors_graph(X, min(n_neighbors, X.shape[0] - 1))
    return graph.maximum(graph.T).tocsr()


def modularity(graph: sp.csr_matrix, labels: np.ndarray) -> float:
    """Compute the share of edges within clusters, less what chance would put there (Newman 2004, Eq. 5).

    Q = sum over clusters c of e_cc - a_c^2, with e_cc the share of edges within c, and a_c that of ends of
    edges in c. It is below 1, and 0 for one cluster alone.

    Parameters
    ----------
    graph : symmetric CSR matrix [n, n] of 0 and 1 with an edge at least, as of `neighbour_graph`
    labels : int array [n], from 0
    """
    degrees = np.asarray(graph.sum(1)).ravel()
    i, j = graph.nonzero()
    within = (labels[i] == labels[j]).sum() / degrees.sum()
    return float(within - ((np.bincount(labels, degrees) / degrees.sum()) ** 2).sum())


def _name(number: int | None) -> str:
    return f"best/phase{number}"
