"""graph_sample.json: the votes on a few points in the first phases, small enough to keep with a result."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from kingdra_repro.atomic import write_text

POINTS = 150  # more cannot be told apart in the picture of a graph
PHASES = 4


@dataclass(frozen=True)
class GraphSample:
    """What the similarity graph of a sample of points is drawn from (the paper's Figure 3).

    Attributes
    ----------
    points : list of int [s], rows of the data
    classes : list of int [s], or None where they are not known; pictures alone read them
    votes : nested list of int [n_phases, n_models, s]
        Each model's cluster after the unsupervised phase, after the first iteration, and so on.
    """

    points: list[int]
    classes: list[int] | None
    votes: list[list[list[int]]]

    @classmethod
    def of(cls, sample: np.ndarray, sampled: np.ndarray, y: np.ndarray | None) -> "GraphSample":
        """The same points whenever a data set of this size is clustered.

        Parameters
        ----------
        sample : int array [m], rows of the data; `sampled` : [n_phases, n_models, m], the votes on them
            As in votes.npz.
        y : int64 array [n] or None, the classes
        """
        random = np.random.default_rng(0)
        chosen = np.sort(random.choice(len(sample), min(POINTS, len(sample)), replace=False))
        points = sample[chosen]
        return cls(
            points=points.tolist(),
            classes=None if y is None else y[points].tolist(),
            votes=sampled[:PHASES, :, chosen].tolist(),
        )

    def write(self, path: Path) -> None:
        write_text(path, json.dumps(asdict(self), separators=(",", ":")) + "\n")

    @classmethod
    def read(cls, path: Path) -> "GraphSample":
        return cls(**json.loads(path.read_text()))
