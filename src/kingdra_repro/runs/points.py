"""What a page shows of single points: the form that explorer.json and map.json share."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.streamed import is_sparse
from kingdra_repro.runs.columns import column_name, discriminative_columns, strongest_words, values_of
from kingdra_repro.runs.thumbnails import has_pictures, sprite, thumbnails
from kingdra_repro.runs.votes import aligned_votes

WORDS_OF_A_ROW = 6
VALUES_OF_A_ROW = 8


@dataclass(frozen=True)
class ShownPoints:
    """The points of a data set, with their final clusters and the answers of an ensemble's models.

    Attributes
    ----------
    labels : int array [n], the final clusters
    k : the number of clusters; some may have no points
    aligned : integer array [n_models, n], see `aligned_votes`; None without an ensemble
    agreeing : int array [n], how many models give a point's final cluster; None without an ensemble
    columns : int array, the columns whose values are shown for each point; None for pictures and words
    """

    data: Dataset
    labels: np.ndarray
    k: int
    aligned: np.ndarray | None
    agreeing: np.ndarray | None
    columns: np.ndarray | None

    @classmethod
    def of(cls, data: Dataset, labels: np.ndarray, votes: np.ndarray | None) -> "ShownPoints":
        """Prepare the points for display; `votes` are as in `make_explorer`."""
        k = max(data.n_clusters, int(labels.max()) + 1)
        aligned = None if votes is None or len(votes) < 2 else aligned_votes(votes, labels, k)
        agreeing = None if aligned is None else (aligned == labels).sum(0)
        columns = None
        if shown_as(data) == "features":
            columns = discriminative_columns(data, labels, VALUES_OF_A_ROW)
        return cls(data, labels, k, aligned, agreeing, columns)

    @property
    def n_models(self) -> int:
        """Number of models in the ensemble; 0 without one."""
        return 0 if self.aligned is None else len(self.aligned)

    @property
    def column_names(self) -> list[str] | None:
        return None if self.columns is None else [column_name(self.data, column) for column in self.columns]

    def to_dict(self, rows: np.ndarray, black_to_white: tuple[float, float]) -> dict[str, Any]:
        """Return what is shown of some rows, as lists of equal length; for `black_to_white` see `thumbnails`.

        ``rows`` and ``labels``; ``names``, ``classes``, ``agreeing``, ``words`` and ``values`` (of `columns`,
        in the units of the file), each None if the data have no such thing; ``sprite``: the pictures of the
        rows in one image, see `kingdra_repro.runs.thumbnails.sprite`, or None.
        """
        data, kind, sheet, words = self.data, shown_as(self.data), None, None
        if kind == "pictures" and len(rows):
            sheet = sprite(thumbnails(data, rows, black_to_white))
        if kind == "words":
            words = [strongest_words(data, row, WORDS_OF_A_ROW) for row in rows]
        return {
            "rows": rows.tolist(),
            "labels": self.labels[rows].tolist(),
            "names": None if data.row_names is None else [str(data.row_names[row]) for row in rows],
            "classes": None if data.y is None else data.y[rows].tolist(),
            "agreeing": None if self.agreeing is None else self.agreeing[rows].tolist(),
            "words": words,
            "values": None if self.columns is None else values_of(data, rows, self.columns),
            "sprite": sheet,
        }


def shown_as(data: Dataset) -> str:
    """Return how points are shown: as "pictures", by their "words", or by their "features"."""
    return "pictures" if has_pictures(data) else "words" if is_sparse(data.X) else "features"


def class_names(data: Dataset) -> list[str] | None:
    """Return the names of the classes, or their numbers if they have no names; None without classes."""
    if data.y is None:
        return None
    n_classes = int(data.y.max()) + 1
    names = data.class_names
    return [str(c) if names is None or c >= len(names) else str(names[c]) for c in range(n_classes)]


def random_members(labels: np.ndarray, k: int, most: int) -> list[np.ndarray]:
    """Choose at most `most` random points of each cluster 0..k-1, with a fixed seed."""
    random = np.random.default_rng(0)
    clusters = (np.flatnonzero(labels == cluster) for cluster in range(k))
    return [random.choice(these, min(most, len(these)), replace=False) for these in clusters]
