"""explorer.json: what a page needs to show a run's final clusters, in a few hundred KB."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from kingdra_repro.atomic import write_text
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.evaluation import matched_classes
from kingdra_repro.report.disagreement import aligned_votes, most_disputed, n_agreeing
from kingdra_repro.report.sprite import sprite
from kingdra_repro.report.strongest import strongest_features, strongest_words
from kingdra_repro.report.thumbnails import has_pictures, thumbnails, value_range

MEMBERS = 24  # pictures of a cluster; of words and other features a third of that
FEATURES = 15
WORDS_OF_A_ROW = 6
DISPUTED = 24
# Of all clusters together, so that many clusters do not make a large file.
ALL_MEMBERS, ALL_FEATURES = 280, 3_000


def write_explorer(folder: Path, data: Dataset, labels: np.ndarray) -> None:
    """Write a finished run's ``explorer.json`` into its folder; its ``votes.npz``, if any, is read there."""
    votes = None
    if (folder / "votes.npz").exists():
        with np.load(folder / "votes.npz") as arrays:
            votes = arrays["last"]
    text = json.dumps(make_explorer(data, labels, votes), separators=(",", ":"), allow_nan=False)
    write_text(folder / "explorer.json", text + "\n")


def make_explorer(data: Dataset, labels: np.ndarray, votes: np.ndarray | None = None) -> dict[str, Any]:
    """What there is to see of a clustering. Classes are read here for display alone.

    Parameters
    ----------
    data : Dataset
    labels : int array [n], the final clusters
    votes : integer array [n_models, n] or None
        What each model answered; None where there is no ensemble. One model alone is none.

    Returns
    -------
    dict
        ``kind``: "pictures", "words" or "features": how members are shown.
        ``classes``: names of the classes, or None.
        ``n_models``, and ``agreement``: how many points have 0, 1 ... n_models models that give their final
        cluster; None without an ensemble.
        ``clusters``: a dict a cluster: ``size``; ``sureness``, the mean share of models that agree;
        ``class``, the class it is matched to, and ``counts``, pairs of class and points, most first (None and
        empty without classes); ``members``, random ones: see `_points`; ``features``: see
        `strongest_features`.
        ``disputed``: the points that the models disagree on most, with ``votes`` of each model.
    """
    k = max(data.n_clusters, int(labels.max()) + 1)
    kind = "pictures" if has_pictures(data) else "words" if sp.issparse(data.X) else "features"
    aligned = None if votes is None or len(votes) < 2 else aligned_votes(votes, labels, k)
    agreeing = None if aligned is None else n_agreeing(aligned, labels)
    n_models = 0 if aligned is None else len(aligned)

    random = np.random.default_rng(0)  # the same members whenever the file is made
    n_members = min(MEMBERS if kind == "pictures" else MEMBERS // 3, max(1, ALL_MEMBERS // k))
    n_features = min(FEATURES, max(3, ALL_FEATURES // k))
    of_cluster = [np.flatnonzero(labels == cluster) for cluster in range(k)]
    chosen = [random.choice(these, min(n_members, len(these)), replace=False) for these in of_cluster]
    disputed = np.zeros(0, int) if aligned is None else most_disputed(aligned, DISPUTED)
    black_to_white = value_range(data, np.concatenate([*chosen, disputed]))
    features = strongest_features(data, labels, k, n_features) if kind != "pictures" else [[]] * k
    matched = {} if data.y is None else matched_classes(data.y, labels)

    clusters = []
    for cluster, these in enumerate(of_cluster):
        found: dict[str, Any] = {"size": len(these), "sureness": None, "class": matched.get(cluster)}
        if agreeing is not None and len(these):
            found["sureness"] = round(float(agreeing[these].mean()) / n_models, 4)
        counts = Counter() if data.y is None else Counter(data.y[these].tolist())
        found["counts"] = [
            list(pair) for pair in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        ]
        found["members"] = _points(data, chosen[cluster], labels, agreeing, kind, black_to_white)
        found["features"] = features[cluster]
        clusters.append(found)
    shown = _points(data, disputed, labels, agreeing, kind, black_to_white)
    if aligned is not None:
        shown["votes"] = aligned[:, disputed].T.tolist()
    return {
        "kind": kind,
        "n": len(labels),
        "classes": _class_names(data),
        "n_models": n_models,
        "agreement": None if agreeing is None else np.bincount(agreeing, minlength=n_models + 1).tolist(),
        "clusters": clusters,
        "disputed": shown,
    }


def _points(
    data: Dataset,
    rows: np.ndarray,
    labels: np.ndarray,
    agreeing: np.ndarray | None,
    kind: str,
    black_to_white: tuple[float, float],
) -> dict[str, Any]:
    """Some points, as lists of one length: ``rows``, ``labels``, and those of ``names``, ``classes``,
    ``agreeing`` and ``words`` that are known (None otherwise); ``sprite``, their pictures, if any.
    """
    sheet = None
    if kind == "pictures" and len(rows):
        sheet = sprite(thumbnails(data, rows, black_to_white))
    return {
        "rows": rows.tolist(),
        "labels": labels[rows].tolist(),
        "names": None if data.row_names is None else [str(data.row_names[row]) for row in rows],
        "classes": None if data.y is None else data.y[rows].tolist(),
        "agreeing": None if agreeing is None else agreeing[rows].tolist(),
        "words": [strongest_words(data, row, WORDS_OF_A_ROW) for row in rows] if kind == "words" else None,
        "sprite": sheet,
    }


def _class_names(data: Dataset) -> list[str] | None:
    if data.y is None:
        return None
    n_classes = int(data.y.max()) + 1
    names = data.class_names
    return [str(c) if names is None or c >= len(names) else str(names[c]) for c in range(n_classes)]
