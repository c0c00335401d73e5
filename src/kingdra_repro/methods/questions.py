"""Active learning: the points and pairs whose answers would help most."""

from typing import Any

import numpy as np
from sklearn.cluster import KMeans

from kingdra_repro.checks import integer, invalid_value
from kingdra_repro.data.links import Closure, Links, closure
from kingdra_repro.library_state import default_library_state
from kingdra_repro.methods.ensemble import Ensemble
from kingdra_repro.methods.features import indexable_features, take_rows
from kingdra_repro.methods.given_labels import check_classes
from kingdra_repro.sampling import fixed_sample

QUESTIONS = 20
MOST_POINTS = 100_000  # from which questions are chosen
ROWS_AT_ONCE = 2**15


@default_library_state()
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
    """Return whether two points of different groups are known to be apart, or are an uncertain pair."""
    uncertain = np.concatenate([closed.uncertain.must_link, closed.uncertain.cannot_link])
    groups = np.sort(closed.group[[row, other]])
    return bool(
        (closed.cannot_link_groups == groups).all(axis=1).any()
        or (np.sort(uncertain, axis=1) == sorted((row, other))).all(axis=1).any()
    )
