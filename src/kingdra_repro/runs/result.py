"""result.json and labels.npy: the result of a finished run."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import ClusterMixin

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.evaluation import scores
from kingdra_repro.evaluation.without_labels import answer_history_row, history_value
from kingdra_repro.files import atomic_write, checksum_of_array, write_text
from kingdra_repro.version import package_version


def make_result(
    settings: dict[str, Any],
    data: Dataset,
    method: ClusterMixin,
    wall_seconds: float,
    given: np.ndarray | None = None,
) -> dict[str, Any]:
    """Collect what is known of a finished run, in the order of result.json.

    Parameters
    ----------
    settings : ``method``, ``base`` (None if it has none), ``seed``, ``config_hash``, ``device`` (its name and
        model) and ``commit`` (see `kingdra_repro.provenance.commits`) of the run
    method : fitted, with ``labels_`` and, if it has phases, ``history_``
    wall_seconds : seconds of work, summed over all parts of an interrupted run
    given : int64 array [n], the labels that a semi-supervised method was given, -1 for none

    Returns
    -------
    dict
        ``features`` is a checksum of the feature matrix: the same settings give other features if the mirror
        has other files. ``n_labels`` is the number of labels that the method was given: 0 except for
        semi-supervised learning, where the scores are of the other points and ``acc`` is 1 - the
        classification error. ``acc``, ``nmi``, ``ari`` and ``purity`` are None without classes.
        ``n_pseudo_labels``, ``agreement`` and ``mini_clusters`` are of the phase that gave the answer (the
        last one, unless ``keep_phase`` chose an earlier one), and None if a method has no such thing.
        ``rules`` says where the pseudo-labels of the iterations came from ("relaxed+given"; see
        `kingdra_repro.methods.Kingdra`). If the data have linked pairs, ``links`` is their number, and
        ``links_kept`` the number that the clusters satisfy. ``kept_iteration`` is present if the answer is
        from an iteration before the last.
    """
    history_row = answer_history_row(method)
    return {
        "dataset": data.name,
        "method": settings["method"],
        "base": settings["base"],
        "seed": settings["seed"],
        "n": int(data.X.shape[0]),
        "d": int(data.X.shape[1]),
        "k": int(data.n_clusters),
        "features": checksum_of_array(data.X),
        "n_labels": 0 if given is None else int((given >= 0).sum()),
        **scores(data.y, method.labels_, given),
        **_links(data, method.labels_),
        **_kept_iteration(method),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "wall_seconds": round(wall_seconds, 3),
        "device": settings["device"],
        "version": package_version(),
        "commit": settings["commit"],
        "config_hash": settings["config_hash"],
        "n_pseudo_labels": history_value(history_row, "n_pseudo_labels", int),
        "agreement": history_value(history_row, "agreement", float),
        "mini_clusters": history_value(history_row, "n_mini_clusters", int),
        "rules": _rules(method),
        "clusters_found": len(np.unique(method.labels_)),
        "cluster_sizes": np.bincount(method.labels_, minlength=data.n_clusters).tolist(),
    }


def _links(data: Dataset, labels: np.ndarray) -> dict[str, int]:
    if data.links is None:
        return {}
    must, cannot = data.links.must_link, data.links.cannot_link
    kept = (labels[must[:, 0]] == labels[must[:, 1]]).sum() + (
        labels[cannot[:, 0]] != labels[cannot[:, 1]]
    ).sum()
    return {"links": len(must) + len(cannot), "links_kept": int(kept)}


def _rules(method: Any) -> str | None:
    """Return the rules that found the sets trained on; a row's rule is of the set for the next iteration."""
    history = getattr(method, "history_", None)
    if history is None or "rule" not in history:
        return None
    return "+".join(dict.fromkeys(history["rule"].iloc[:-1])) or None


def _kept_iteration(method: Any) -> dict[str, int]:
    kept = getattr(method, "phase_", None)
    return {} if kept is None or kept == method.n_iter else {"kept_iteration": int(kept)}


def write_result(folder: Path, result: dict[str, Any], labels: np.ndarray) -> None:
    """Write labels.npy (int64 [n]), then result.json, whose presence means that the run is finished."""
    atomic_write(folder / "labels.npy", lambda file: np.save(file, labels.astype(np.int64)))
    write_text(folder / "result.json", json.dumps(result, indent=2) + "\n")
