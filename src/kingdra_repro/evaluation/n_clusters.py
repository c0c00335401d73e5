"""Choice of the number of clusters: one method is fitted with several numbers, and scored without labels."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from kingdra_repro.checks import invalid_value, is_integer
from kingdra_repro.evaluation.without_labels import MEASURES, unsupervised_measures
from kingdra_repro.files import atomic_write
from kingdra_repro.training.events import Iteration, Monitor, Progress


@dataclass(frozen=True)
class NumberOfClusters:
    """The recommended number of clusters, and the reason.

    Attributes
    ----------
    n_clusters : int
    reason : str, one sentence
    table : DataFrame, one row per number of clusters
        ``k``; ``clusters_found``, how many of the k clusters have points; the measures of
        `kingdra_repro.evaluation.unsupervised_measures`; and ``score``, their mean.
    """

    n_clusters: int
    reason: str
    table: pd.DataFrame


def choose_n_clusters(estimator: BaseEstimator, X: Any, n_clusters: Iterable[int]) -> NumberOfClusters:
    """Recommend a number of clusters, without any label of the data.

    ``kingdra-run n_clusters=2..12`` does the same, with the same result for the same seed and settings.

    Parameters
    ----------
    estimator : clusterer with the parameter ``n_clusters``, such as `kingdra_repro.Kingdra`
        Clones of it are fitted.
    X : data [n, d], as its ``fit`` takes them
    n_clusters : iterable of int, such as ``range(2, 13)``
        Two different numbers or more, each at least 2.

    Returns
    -------
    NumberOfClusters

    Raises
    ------
    InputError
        If the numbers are not valid. Exceptions of the estimator's ``fit`` are passed on.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from kingdra_repro.evaluation import choose_n_clusters
    >>> from kingdra_repro.methods import KMeans
    >>> X, _ = make_blobs(200, centers=[[0, 0], [9, 0], [0, 9]], random_state=0)
    >>> choose_n_clusters(KMeans(random_state=0), X, range(2, 6)).n_clusters
    3
    """
    numbers = list(n_clusters) if isinstance(n_clusters, Iterable) else []
    if not all(is_integer(k, 2) for k in numbers) or len(set(numbers)) < 2:
        raise invalid_value("two integers or more, each at least 2", "n_clusters", n_clusters)
    return recommend(pd.DataFrame([measure(estimator, X, k) for k in sorted(set(numbers))]))


def measure(estimator: BaseEstimator, X: Any, n_clusters: int) -> dict[str, Any]:
    """Fit a clone of an estimator with one number of clusters; return its row of the table, without score."""
    plain = copy.copy(estimator)
    if takes_monitor := "monitor" in estimator.get_params(deep=False):
        # A clone has deep copies of the parameters; a monitor may hold locks or files, which have no copy.
        plain.set_params(monitor=None)
    method: Any = clone(plain).set_params(n_clusters=n_clusters)
    kept_in = None
    if (folder := getattr(estimator, "checkpoint_dir", None)) is not None:
        kept_in = Path(folder) / f"k{n_clusters}"
        method.set_params(checkpoint_dir=kept_in)
    watch = _FirstVotes(getattr(estimator, "monitor", None), kept_in)
    if takes_monitor:
        method.set_params(monitor=watch)
    method.fit(X)
    found = len(np.unique(method.labels_))
    measures = unsupervised_measures(method, X, watch.votes())
    return {"k": n_clusters, "clusters_found": found, **measures}


def recommend(measures: pd.DataFrame) -> NumberOfClusters:
    """Choose among numbers of clusters by their measures.

    A number that left clusters without points is excluded, unless all did. The score of a number is the mean
    of the measures that are known for all remaining numbers. Each measure is about 1 at best;
    ``scripts/n_clusters.py`` shows how often the mean is right. Of equal scores the smaller number wins.

    Parameters
    ----------
    measures : DataFrame, one row per number of clusters
        With the columns ``k``, ``clusters_found`` and those of `MEASURES`.
    """
    table = measures.sort_values("k").reset_index(drop=True).astype(dict.fromkeys(MEASURES, float))
    full = table["clusters_found"] == table["k"]
    compared = full if full.any() else full | True
    known = [name for name in MEASURES if table.loc[compared, name].notna().all()]
    table["score"] = table[known].mean(axis=1, skipna=False) if known else np.nan
    candidates = table[compared].fillna({"score": -1.0})
    best, *others = candidates.sort_values("score", ascending=False, kind="stable").to_dict("records")
    k = int(best["k"])
    if not known:
        return NumberOfClusters(k, f"{k} is the smallest number; nothing is known to compare them by.", table)
    values = ", ".join(f"{MEASURES[name]} {best[name]:.2f}" for name in known)
    mean = f"the largest mean of what is known ({values})" if len(known) > 1 else f"the largest {values}"
    second = (
        f"; {others[0]['k']:.0f} come next (score {others[0]['score']:.3f}, not {best['score']:.3f})"
        if others
        else ""
    )
    return NumberOfClusters(k, f"{k} clusters have {mean}{second}.", table)


class _FirstVotes:
    """A monitor that stores the models' clusters after the first phase, and forwards events to another one.

    With a checkpoint folder, the clusters are stored there, because a resumed fit does not repeat that phase.
    """

    def __init__(self, monitor: Monitor | None, folder: Path | None) -> None:
        self.monitor = monitor
        self._file = None if folder is None else folder / "first_votes.npy"
        self._votes: np.ndarray | None = None

    def votes(self) -> np.ndarray | None:
        """Return the clusters [n_models, n], or None if there is no ensemble."""
        if self._votes is None and self._file is not None and self._file.exists():
            return np.load(self._file, allow_pickle=False)
        return self._votes

    def progress(self, event: Progress) -> None:
        if self.monitor is not None:
            self.monitor.progress(event)

    def iteration(self, it: Iteration) -> None:
        if it.index == 0 and (votes := it.model_labels) is not None:
            self._votes = votes
            if self._file is not None:
                atomic_write(self._file, lambda file: np.save(file, votes))
        if self.monitor is not None:
            self.monitor.iteration(it)
