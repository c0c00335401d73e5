"""What a page shows of single points, in explorer.json and map.json alike."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.streamed import is_sparse
from kingdra_repro.runs.columns import name_of, strongest_words, telling_columns, values_of
from kingdra_repro.runs.thumbnails import has_pictures, sprite, thumbnails
from kingdra_repro.runs.votes import aligned_votes

WORDS_OF_A_ROW = 6
VALUES_OF_A_ROW = 8


@dataclass(frozen=True)
class ShownPoints:
    """The points of a data set, their final clusters, and what the models of an ensemble say of them.

    Attributes
    ----------
    labels : int array [n], the final clusters
    k : the number of clusters; some may have no points
    aligned : integer array [n_models, n], see `aligned_votes`; None where there is no ensemble
    agreeing : int array [n], models that give the final cluster of a point; None where there is no ensemble
    columns : int array, those whose values are shown of each point; None of pictures and words
    """

    data: Dataset
    labels: np.ndarray
    k: int
    aligned: np.ndarray | None
    agreeing: np.ndarray | None
    columns: np.ndarray | None

    @classmethod
    def of(cls, data: Dataset, labels: np.ndarray, votes: np.ndarray | None) -> "ShownPoints":
        """Prepare what is to be shown; votes are as in `make_explorer`."""
        k = max(data.n_clusters, int(labels.max()) + 1)
        aligned = None if votes is None or len(votes) < 2 else aligned_votes(votes, labels, k)
        agreeing = None if aligned is None else (aligned == labels).sum(0)
        columns = telling_columns(data, labels, VALUES_OF_A_ROW) if shown_as(data) == "features" else None
        return cls(data, labels, k, aligned, agreeing, columns)

    @property
    def n_models(self) -> int:
        """Models of the ensemble; 0 where there is none."""
        return 0 if self.aligned is None else len(self.aligned)

    @property
    def column_names(self) -> list[str] | None:
        return None if self.columns is None else [name_of(self.data, column) for column in self.columns]

    def at(self, rows: np.ndarray, black_to_white: tuple[float, float]) -> dict[str, Any]:
        """Return some points, as lists of one length; for `black_to_white` see `thumbnails`.

        ``rows``, ``labels``, and those of ``names``, ``classes``, ``agreeing``, ``words`` and ``values`` (of
        ``columns``, in the units of the file) that are known, None otherwise; ``sprite``: their pictures, if
        any.
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
    """Tell how points are shown: as "pictures", by their "words", or by their "features"."""
    return "pictures" if has_pictures(data) else "words" if is_sparse(data.X) else "features"


def class_names(data: Dataset) -> list[str] | None:
    """Return what the classes are called, by their numbers where they have no names; None without classes."""
    if data.y is None:
        return None
    n_classes = int(data.y.max()) + 1
    names = data.class_names
    return [str(c) if names is None or c >= len(names) else str(names[c]) for c in range(n_classes)]


def random_members(labels: np.ndarray, k: int, most: int) -> list[np.ndarray]:
    """Choose at most so many points of each cluster 0..k-1; the same ones whenever it is asked."""
    random = np.random.default_rng(0)
    clusters = (np.flatnonzero(labels == cluster) for cluster in range(k))
    return [random.choice(these, min(most, len(these)), replace=False) for these in clusters]
