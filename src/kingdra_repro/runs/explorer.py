"""explorer.json: what a page needs to show a run's final clusters, in a few hundred KB."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.streamed import is_sparse
from kingdra_repro.evaluation import matched_classes
from kingdra_repro.files import write_text
from kingdra_repro.pseudo_labels.matching import align
from kingdra_repro.runs.columns import name_of, strongest_words, telling_columns, top_features, values_of
from kingdra_repro.runs.members import has_pictures, sprite, thumbnails, value_range


def aligned_votes(votes: np.ndarray, labels: np.ndarray, n_clusters: int) -> np.ndarray:
    """Each model's answers in the names of the final clusters.

    Parameters
    ----------
    votes : integer array [n_models, n]
        Each model numbers the clusters as it likes.
    labels : int array [n], the final clusters
    n_clusters : int

    Returns
    -------
    integer array [n_models, n], in the smallest type
        After the one-to-one match of each model's clusters to the final ones that keeps most points.
    """
    kind = np.min_scalar_type(n_clusters - 1)
    both = torch.from_numpy(np.concatenate([labels[None], votes], dtype=np.int32))
    outputs = align(both, n_clusters)[1:]  # [M, k], the model's name of each final cluster
    names = outputs.argsort(1).numpy().astype(kind)
    return np.stack([names[m][one] for m, one in enumerate(votes)])


def n_agreeing(aligned: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Count the models [n_models, n] that give the final cluster of a point: int array [n]."""
    return (aligned == labels).sum(0)


def most_disputed(aligned: np.ndarray, n_shown: int) -> np.ndarray:
    """Return the points whose votes are spread most evenly over most clusters, the most disputed first.

    Parameters
    ----------
    aligned : int array [n_models, n]
    n_shown : int

    Returns
    -------
    int array [at most n_shown]
        By the entropy of a point's votes, ties to the lowest index; points without any dispute are left out.
    """
    n_models, n = aligned.shape
    # Entropy from sorted votes: [M, n] bytes, where counts of all clusters would be [k, n] numbers.
    votes = np.sort(aligned, axis=0)
    runs = np.zeros((n_models, n), np.int32)  # how many equal votes end here
    entropy = np.zeros(n)
    for model in range(n_models):
        runs[model] = 1
        if model:
            runs[model] += np.where(votes[model] == votes[model - 1], runs[model - 1], 0)
        ends = np.ones(n, bool) if model == n_models - 1 else votes[model] != votes[model + 1]
        share = runs[model] / n_models
        entropy -= np.where(ends, share * np.log(share), 0)
    order = np.argsort(-entropy.round(9), kind="stable")[:n_shown]
    return order[entropy[order] > 1e-9]


MEMBERS = 24  # pictures of a cluster; of words and other features a third of that
FEATURES = 15
WORDS_OF_A_ROW = 6
VALUES_OF_A_ROW = 8
DISPUTED = 24
# Of all clusters together, so that many clusters do not make a large file.
ALL_MEMBERS, ALL_FEATURES = 280, 3_000


def write_explorer(
    folder: Path, data: Dataset, labels: np.ndarray, names: Sequence[str] | None = None
) -> None:
    """Write a finished run's ``explorer.json`` into its folder; its ``votes.npz``, if any, is read there."""
    votes = None
    if (folder / "votes.npz").exists():
        with np.load(folder / "votes.npz") as arrays:
            votes = arrays["last"]
    text = json.dumps(make_explorer(data, labels, votes, names), separators=(",", ":"), allow_nan=False)
    write_text(folder / "explorer.json", text + "\n")


def make_explorer(
    data: Dataset,
    labels: np.ndarray,
    votes: np.ndarray | None = None,
    names: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Collect what there is to see of a clustering. Classes are read here for display alone.

    Parameters
    ----------
    data : Dataset
    labels : int array [n], the final clusters
    votes : integer array [n_models, n] or None
        What each model answered; None where there is no ensemble. One model alone is none.
    names : sequence of str [k] or None
        What the clusters are called by labels that were given; see `names_of_clusters`. The classes of all
        points, where these are known, name them instead.

    Returns
    -------
    dict
        ``kind``: "pictures", "words" or "features": how members are shown.
        ``columns``: names of those whose values are shown of each point, or None.
        ``classes``: names of the classes of all points or, where these are not known, of clusters; or None.
        ``n_models``, and ``agreement``: how many points have 0, 1 ... n_models models that give their final
        cluster; None without an ensemble.
        ``clusters``: a dict a cluster: ``size``; ``sureness``, the mean share of models that agree;
        ``class``, the class it is matched to or named after, and ``counts``, pairs of class and points, most
        first (None and empty without classes); ``members``, random ones: see `points`; ``features``: see
        `top_features`.
        ``disputed``: the points that the models disagree on most, with ``votes`` of each model.
    """
    k = max(data.n_clusters, int(labels.max()) + 1)
    kind = shown_as(data)
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
    features = top_features(data, labels, k, n_features) if kind != "pictures" else [[]] * k
    columns = shown_columns(data, labels)
    if data.y is None:
        matched = {cluster: cluster for cluster, name in enumerate(names or []) if name}
    else:
        matched = matched_classes(data.y, labels)

    clusters = []
    for cluster, these in enumerate(of_cluster):
        found: dict[str, Any] = {"size": len(these), "sureness": None, "class": matched.get(cluster)}
        if agreeing is not None and len(these):
            found["sureness"] = round(float(agreeing[these].mean()) / n_models, 4)
        counts = Counter() if data.y is None else Counter(data.y[these].tolist())
        found["counts"] = [
            list(pair) for pair in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        ]
        found["members"] = points(data, chosen[cluster], labels, agreeing, columns, black_to_white)
        found["features"] = features[cluster]
        clusters.append(found)
    shown = points(data, disputed, labels, agreeing, columns, black_to_white)
    if aligned is not None:
        shown["votes"] = aligned[:, disputed].T.tolist()
    return {
        "kind": kind,
        "n": len(labels),
        "columns": None if columns is None else [name_of(data, column) for column in columns],
        "classes": class_names(data) or (list(names) if matched and names else None),
        "n_models": n_models,
        "agreement": None if agreeing is None else np.bincount(agreeing, minlength=n_models + 1).tolist(),
        "clusters": clusters,
        "disputed": shown,
    }


def shown_as(data: Dataset) -> str:
    """Tell how points are shown: as "pictures", by their "words", or by their "features"."""
    return "pictures" if has_pictures(data) else "words" if is_sparse(data.X) else "features"


def shown_columns(data: Dataset, labels: np.ndarray) -> np.ndarray | None:
    """Return the columns whose values are shown of each point; None of pictures and words."""
    return telling_columns(data, labels, VALUES_OF_A_ROW) if shown_as(data) == "features" else None


def points(
    data: Dataset,
    rows: np.ndarray,
    labels: np.ndarray,
    agreeing: np.ndarray | None,
    columns: np.ndarray | None,
    black_to_white: tuple[float, float],
) -> dict[str, Any]:
    """Return some points, as lists of one length.

    ``rows``, ``labels``, and those of ``names``, ``classes``, ``agreeing``, ``words`` and ``values`` (of
    ``columns``, in the units of the file) that are known, None otherwise; ``sprite``: their pictures, if any.
    """
    kind, sheet = shown_as(data), None
    if kind == "pictures" and len(rows):
        sheet = sprite(thumbnails(data, rows, black_to_white))
    return {
        "rows": rows.tolist(),
        "labels": labels[rows].tolist(),
        "names": None if data.row_names is None else [str(data.row_names[row]) for row in rows],
        "classes": None if data.y is None else data.y[rows].tolist(),
        "agreeing": None if agreeing is None else agreeing[rows].tolist(),
        "words": [strongest_words(data, row, WORDS_OF_A_ROW) for row in rows] if kind == "words" else None,
        "values": None if columns is None else values_of(data, rows, columns),
        "sprite": sheet,
    }


def class_names(data: Dataset) -> list[str] | None:
    """Return what the classes are called, by their numbers where they have no names; None without classes."""
    if data.y is None:
        return None
    n_classes = int(data.y.max()) + 1
    names = data.class_names
    return [str(c) if names is None or c >= len(names) else str(names[c]) for c in range(n_classes)]
