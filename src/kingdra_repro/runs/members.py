"""members.npz: a few pictures of each final cluster, small enough to keep with a result."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.evaluation import matched_classes
from kingdra_repro.files import atomic_write
from kingdra_repro.runs.points import random_members
from kingdra_repro.runs.reading import reporting_damage
from kingdra_repro.runs.thumbnails import thumbnails, value_range

MEMBERS = 15  # shown per cluster
MOST_CLUSTERS = 30  # a figure with more rows cannot be read


@dataclass(frozen=True)
class Members:
    """Random members of each cluster.

    Attributes
    ----------
    pictures : uint8 array [k, MEMBERS, height, width] or [..., 3]
        As they are shown: grey pictures are dark on white. White if a cluster has fewer members.
    shown, sizes : int64 arrays [k], numbers of members in `pictures`, and in the whole clusters
    wrong : bool array [k, MEMBERS], whether a member's class is not the one that its cluster is matched to
    scored : whether classes are known; if not, no member is wrong
    """

    pictures: np.ndarray
    shown: np.ndarray
    sizes: np.ndarray
    wrong: np.ndarray
    scored: bool

    @classmethod
    def of(cls, data: Dataset, labels: np.ndarray) -> "Members":
        """Choose members with a fixed seed, so always the same ones. The data set must have pictures."""
        n_clusters = min(data.n_clusters, MOST_CLUSTERS)
        chosen = random_members(labels, n_clusters, MEMBERS)
        classes = {} if data.y is None else matched_classes(data.y, labels)
        rows = np.concatenate(chosen)
        small = thumbnails(data, rows, value_range(data, rows))
        pictures = np.full((n_clusters, MEMBERS, *small.shape[1:]), 255, np.uint8)
        wrong = np.zeros((n_clusters, MEMBERS), bool)
        first = 0
        for cluster, points in enumerate(chosen):
            pictures[cluster, : len(points)] = small[first : first + len(points)]
            first += len(points)
            if data.y is not None:
                wrong[cluster, : len(points)] = data.y[points] != classes.get(cluster)
        sizes = np.bincount(labels, minlength=n_clusters)[:n_clusters]
        return cls(pictures, np.minimum(sizes, MEMBERS), sizes, wrong, data.y is not None)

    def write(self, path: Path) -> None:
        atomic_write(path, lambda file: np.savez_compressed(file, **vars(self)))

    @classmethod
    def read(cls, path: Path) -> "Members":
        with reporting_damage(path), np.load(path, allow_pickle=False) as found:
            return cls(
                **{name: found[name] for name in found.files if name != "scored"},
                scored=bool(found["scored"]),
            )
