"""explorer.json: what a page needs to show a run's final clusters, in a few hundred KB."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.evaluation import matched_classes
from kingdra_repro.files import write_text
from kingdra_repro.runs.columns import top_features
from kingdra_repro.runs.points import ShownPoints, class_names, random_members, shown_as
from kingdra_repro.runs.thumbnails import value_range
from kingdra_repro.runs.votes import answer_votes, most_disputed

MEMBERS = 24  # pictures per cluster; a third as many members if they are shown as words or other features
FEATURES = 15
DISPUTED = 24
# Limits over all clusters together, so that many clusters do not make a large file.
ALL_MEMBERS, ALL_FEATURES = 280, 3_000


def write_explorer(
    folder: Path, data: Dataset, labels: np.ndarray, names: Sequence[str] | None = None
) -> None:
    """Write a finished run's ``explorer.json`` into its folder, from which ``votes.npz``, if any, is read."""
    made = make_explorer(data, labels, answer_votes(folder), names)
    write_text(folder / "explorer.json", json.dumps(made, separators=(",", ":"), allow_nan=False) + "\n")


def make_explorer(
    data: Dataset,
    labels: np.ndarray,
    votes: np.ndarray | None = None,
    names: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Collect what a page shows of a clustering. Classes are read for display only.

    Parameters
    ----------
    labels : int array [n], the final clusters
    votes : integer array [n_models, n], each model's answers; None, or of one model, without an ensemble
    names : names of the k clusters by the labels that were given, see `names_of_clusters`. If the classes of
        all points are known, their names are used instead.

    Returns
    -------
    dict
        ``kind``: "pictures", "words" or "features": how members are shown.
        ``n``: number of points.
        ``columns``: names of the columns whose values are shown for each point, or None.
        ``classes``: names of the classes if those of all points are known, else of the clusters; or None.
        ``n_models``; ``agreement``: how many points have 0, 1 ... n_models models that give their final
        cluster; None without an ensemble.
        ``clusters``: one dict per cluster: ``size``; ``sureness``, the mean share of models that agree;
        ``class``, the class that the cluster is matched to or named after, and ``counts``, pairs of a class
        and its number of points, the largest first (None and empty without classes); ``members``, chosen at
        random, see `ShownPoints.to_dict`; ``features``, see `top_features`.
        ``disputed``: the points that the models disagree on most, with the ``votes`` of each model.
    """
    shown = ShownPoints.of(data, labels, votes)
    kind, k, n_models = shown_as(data), shown.k, shown.n_models
    aligned, agreeing = shown.aligned, shown.agreeing

    n_members = min(MEMBERS if kind == "pictures" else MEMBERS // 3, max(1, ALL_MEMBERS // k))
    n_features = min(FEATURES, max(3, ALL_FEATURES // k))
    chosen = random_members(labels, k, n_members)
    disputed = np.zeros(0, int) if aligned is None else most_disputed(aligned, DISPUTED)
    black_to_white = value_range(data, np.concatenate([*chosen, disputed]))
    features = top_features(data, labels, k, n_features) if kind != "pictures" else [[]] * k
    if data.y is None:
        matched = {cluster: cluster for cluster, name in enumerate(names or []) if name}
    else:
        matched = matched_classes(data.y, labels)

    clusters = []
    for cluster in range(k):
        these = np.flatnonzero(labels == cluster)
        found: dict[str, Any] = {"size": len(these), "sureness": None, "class": matched.get(cluster)}
        if agreeing is not None and len(these):
            found["sureness"] = round(float(agreeing[these].mean()) / n_models, 4)
        counts = [] if data.y is None else Counter(np.sort(data.y[these]).tolist()).most_common()
        found["counts"] = list(map(list, counts))
        found["members"] = shown.to_dict(chosen[cluster], black_to_white)
        found["features"] = features[cluster]
        clusters.append(found)
    most = shown.to_dict(disputed, black_to_white)
    if aligned is not None:
        most["votes"] = aligned[:, disputed].T.tolist()
    return {
        "kind": kind,
        "n": len(labels),
        "columns": shown.column_names,
        "classes": class_names(data) or (list(names) if matched and names else None),
        "n_models": n_models,
        "agreement": None if agreeing is None else np.bincount(agreeing, minlength=n_models + 1).tolist(),
        "clusters": clusters,
        "disputed": most,
    }
