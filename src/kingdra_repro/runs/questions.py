"""ask.csv: the points whose classes would help most, to be filled in by a person and given back.

kingdra-run dataset=custom dataset.path=my.csv n_clusters=5
kingdra-run dataset=custom dataset.path=my.csv n_clusters=5 dataset.given=.../ask.csv
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.cluster import KMeans

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.methods import Ensemble
from kingdra_repro.runs.clusters import beside

QUESTIONS = 20  # of a file
CANDIDATES = 10  # points that are considered for each question, as in Zhdanov's experiments


def choose_questions(
    method: Ensemble, X: np.ndarray | sp.csr_matrix, given: np.ndarray | None = None, n: int = QUESTIONS
) -> tuple[np.ndarray, np.ndarray]:
    """Choose points on which the models disagree, no two of them alike (Zhdanov 2019).

    Of the points without a label those with the largest disagreement are put into n groups by K-means on the
    first model's last hidden layer, weighted by the disagreement; the point next to each centre is asked for.

    Parameters
    ----------
    method : fitted ensemble of two models or more
    X : float32 array or CSR matrix [m, d]
    given : int64 array [m], labels that are known, -1 for none; or None
    n : int

    Returns
    -------
    rows : int64 array [n], fewer where X has no more points; the largest disagreement first
    disagreement : float64 array [n], of these, in nats; see `Ensemble.disagreement`

    References
    ----------
    Zhdanov (2019), Diverse mini-batch Active Learning, arXiv 1901.05954.
    """
    disagreement = method.disagreement(X)
    unknown = np.arange(X.shape[0]) if given is None else np.flatnonzero(given < 0)
    candidates = unknown[np.argsort(-disagreement[unknown], kind="stable")[: CANDIDATES * n]]
    if len(candidates) > n:
        code = method.last_hidden_layer(X[candidates])
        weight = disagreement[candidates].clip(min=np.finfo(np.float32).tiny)
        groups = KMeans(n, n_init=1, random_state=0).fit(code, sample_weight=weight)
        distance = groups.transform(code)
        asked = [
            members[distance[members, group].argmin()]
            for group in range(n)
            if len(members := np.flatnonzero(groups.labels_ == group))
        ]
        candidates = candidates[np.sort(asked)]
    return candidates, disagreement[candidates]


def question_table(
    data: Dataset, rows: np.ndarray, disagreement: np.ndarray, labels: np.ndarray, given: np.ndarray | None
) -> pd.DataFrame:
    """Tabulate questions, and below them what is known already: one file then holds all answers.

    Parameters
    ----------
    data : Dataset
    rows, disagreement : of the questions, see `choose_questions`
    labels : int64 array [m], the clusters
    given : int64 array [m] or None

    Returns
    -------
    DataFrame
        ``row`` (from 0) and, where points have names, ``id``; ``answer``, to be filled in; ``cluster``;
        ``disagreement``; and the columns of the user's table.
    """
    known = np.arange(0) if given is None else np.flatnonzero(given >= 0)
    names: Sequence[str] = data.class_names or []
    answers = [""] * len(rows) + [names[int(given[row])] for row in known if given is not None]
    listed = np.concatenate([rows, known])
    named = {} if data.row_names is None else {"id": [data.row_names[row] for row in listed]}
    table = pd.DataFrame({"row": listed, **named, "answer": answers, "cluster": labels[listed]})
    table["disagreement"] = pd.Series(np.round(disagreement, 4))
    return beside(table, None if data.table is None else data.table.iloc[listed])
