"""ask.csv and ask_pairs.csv: the questions whose answers would help most, for a person to fill in.

kingdra-run dataset=custom dataset.path=my.csv n_clusters=5
kingdra-run dataset=custom dataset.path=my.csv n_clusters=5 dataset.given=.../ask.csv
kingdra-run dataset=custom dataset.path=my.csv n_clusters=5 dataset.links=.../ask_pairs.csv

The second and the third command give the answers back. ask_pairs.csv is for people who can tell whether two
points are of one kind, but have no names for the kinds.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from kingdra_repro.checks import integer, invalid_value
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.links import Closure, Links, closure
from kingdra_repro.files import write_table
from kingdra_repro.methods import Ensemble
from kingdra_repro.methods.features import indexable_features, take_rows
from kingdra_repro.methods.given_labels import check_classes
from kingdra_repro.runs.clusters import append_columns
from kingdra_repro.sampling import fixed_sample

QUESTIONS = 20  # per file
MOST_POINTS = 100_000  # from which questions are chosen
ROWS_AT_ONCE = 2**15


def write_questions(folder: Path, data: Dataset, method: Ensemble, given: np.ndarray | None) -> None:
    """Write ``ask.csv`` and ``ask_pairs.csv`` for a fitted ensemble into the folder of its run.

    `given` are the labels [n] that the ensemble was given, -1 for none.
    """
    asked, disagreement = choose_questions(method, data.X, given)
    write_table(folder / "ask.csv", question_table(data, asked, disagreement, method.labels_, given))
    pairs = choose_pairs(method, data.X, asked, data.links)
    write_table(folder / "ask_pairs.csv", pair_table(data, pairs, data.links))


def choose_questions(
    method: Ensemble, X: Any, given: Any = None, n: int = QUESTIONS
) -> tuple[np.ndarray, np.ndarray]:
    """Choose points that represent many others, more of them where the models disagree.

    K-means on the first model's last hidden layer puts the points without a label into n groups, each point
    weighted by its disagreement plus the mean disagreement of all points. The point nearest to each centre is
    chosen. So no two chosen points are alike, and each is typical of some others. The points of largest
    disagreement alone (Zhdanov 2019) are atypical, and worth less than the same number of random points
    (results/asking_by_disagreement.csv). Of more than 100,000 points, only a sample is considered, the same
    one for all data sets of m points.

    Parameters
    ----------
    method : fitted ensemble of two models or more
    X : array, table, sparse matrix or StreamedMatrix [m, d]
    given : int array [m], labels that are known, -1 for none; or None
    n : int, at least 1

    Returns
    -------
    rows : int64 array [n], the largest disagreement first; fewer if X has fewer unlabelled or distinct points
    disagreement : float64 array [n], of these points, in nats; see `Ensemble.disagreement`

    Raises
    ------
    InputError
        If `method` is not such an ensemble, or `n` or `given` is not as described.

    References
    ----------
    Hacohen, Dekel, Weinshall (2022), Active Learning on a Budget: Opposite Strategies Suit High and Low
    Budgets, arXiv 2202.02794: typical points first.
    Zhdanov (2019), Diverse mini-batch Active Learning, arXiv 1901.05954: weighted K-means.
    """
    if not isinstance(method, Ensemble) or not method.is_ensemble:
        raise invalid_value("a fitted ensemble of two models or more", "method", type(method).__name__)
    integer(1)("n", n)
    X = indexable_features(X)
    m = X.shape[0]
    rows = fixed_sample(m, MOST_POINTS)
    disagreement = np.zeros(m)
    disagreement[rows] = method.disagreement(X if len(rows) == m else take_rows(X, rows))
    unknown = rows if given is None else rows[check_classes(given, m, method.n_clusters)[rows] < 0]
    asked = unknown
    if len(unknown) > n:
        code = method.last_hidden_layer(take_rows(X, unknown))
        weight = disagreement[unknown] + max(disagreement[rows].mean(), np.finfo(np.float32).tiny)
        groups = KMeans(n, n_init=1, random_state=0).fit(code, sample_weight=weight)
        distance = groups.transform(code)
        typical = [
            members[distance[members, group].argmin()]
            for group in range(n)
            if len(members := np.flatnonzero(groups.labels_ == group))
        ]
        asked = unknown[typical]
    asked = asked[np.argsort(-disagreement[asked], kind="stable")]
    return asked, disagreement[asked]


def question_table(
    data: Dataset, rows: np.ndarray, disagreement: np.ndarray, labels: np.ndarray, given: np.ndarray | None
) -> pd.DataFrame:
    """Tabulate questions, and below them the known labels: one file holds all answers.

    `rows` and `disagreement` are from `choose_questions`; `labels` [m] are the clusters, and `given` [m] the
    known labels.

    Returns
    -------
    DataFrame
        ``row`` (from 0) and, if points have names, ``id``; ``answer``, to be filled in; ``cluster``;
        ``disagreement``; and the columns of the user's table.
    """
    known = np.arange(0) if given is None else np.flatnonzero(given >= 0)
    names: Sequence[str] = data.class_names or []
    answers = [""] * len(rows) + [names[int(given[row])] for row in known if given is not None]
    listed = np.concatenate([rows, known])
    named = {} if data.row_names is None else {"id": [data.row_names[row] for row in listed]}
    table = pd.DataFrame({"row": listed, **named, "answer": answers, "cluster": labels[listed]})
    table["disagreement"] = pd.Series(np.round(disagreement, 4))
    return append_columns(table, None if data.table is None else data.table.iloc[listed])


def choose_pairs(method: Ensemble, X: Any, asked: np.ndarray, links: Links | None = None) -> np.ndarray:
    """Pair each point of `choose_questions` with the surest point of the cluster it most likely belongs to.

    If the links say that the two are apart, or list them as an uncertain pair, the surest point of the next
    likely cluster is tried. If the links say that the two belong together, or the point is itself the surest
    one, the point is left out.

    Parameters
    ----------
    method, X : see `choose_questions`
    asked : int64 array [n], the rows that `choose_questions` returned
    links : Links or None
        Pairs that are known; what follows from them counts as known.

    Returns
    -------
    int64 array [m, 2], m <= n
        The point in doubt, and the point with the largest output for that cluster.
    """
    X = indexable_features(X)
    outputs, surest = np.zeros((len(asked), method.n_clusters)), np.zeros(method.n_clusters, np.int64)
    largest = np.full(method.n_clusters, -1.0)
    for start in range(0, X.shape[0], ROWS_AT_ONCE):
        proba = method.predict_proba(take_rows(X, slice(start, start + ROWS_AT_ONCE)))
        here = (asked >= start) & (asked < start + len(proba))
        outputs[here] = proba[asked[here] - start]
        surest = np.where(proba.max(0) > largest, start + proba.argmax(0), surest)
        largest = np.maximum(proba.max(0), largest)
    closed = None if links is None else closure(X.shape[0], links)
    pairs = []
    for row, output in zip(asked, outputs, strict=True):
        for other in surest[np.argsort(-output, kind="stable")]:
            if row == other or (closed is not None and closed.group[row] == closed.group[other]):
                break
            if closed is None or not _is_known(closed, row, other):
                pairs.append((row, other))
                break
    return np.array(pairs, np.int64).reshape(-1, 2)


def _is_known(closed: Closure, row: int, other: int) -> bool:
    """Return whether two points of different groups are known to be apart, or are a uncertain pair."""
    uncertain = np.concatenate([closed.uncertain.must_link, closed.uncertain.cannot_link])
    groups = np.sort(closed.group[[row, other]])
    return bool(
        (closed.cannot_link_groups == groups).all(axis=1).any()
        or (np.sort(uncertain, axis=1) == sorted((row, other))).all(axis=1).any()
    )


def pair_table(data: Dataset, pairs: np.ndarray, links: Links | None) -> pd.DataFrame:
    """Tabulate the pairs of `choose_pairs`, and below them the known pairs: one file holds all answers.

    Returns
    -------
    DataFrame
        ``i`` and ``j`` (names, or row numbers from 0); ``link``, to be filled in with 1 or 0; ``weight``, if
        a known pair is in doubt; and the columns of the user's table for i and for j, as ``i: NAME`` and
        ``j: NAME``.
    """
    known = [] if links is None else [links.must_link, links.cannot_link]
    listed = np.concatenate([pairs, *known])
    answers = [""] * len(pairs)
    if links is not None:
        answers += ["1"] * len(links.must_link) + ["0"] * len(links.cannot_link)
    names = np.arange(data.X.shape[0]) if data.row_names is None else np.array(data.row_names)
    table = pd.DataFrame({"i": names[listed[:, 0]], "j": names[listed[:, 1]], "link": answers})
    if links is not None:
        weight = np.concatenate([np.ones(len(pairs)), links.must_weight, links.cannot_weight])
        table = table.assign(weight=weight) if (weight < 1).any() else table
    if data.table is None:
        return table
    sides = [data.table.iloc[rows].add_prefix(f"{name}: ") for name, rows in zip("ij", listed.T, strict=True)]
    return pd.concat([table, *(side.reset_index(drop=True) for side in sides)], axis=1)
