"""ask.csv and ask_pairs.csv: the questions whose answers would help most, for a person to fill in.

kingdra-run dataset=custom dataset.path=my.csv n_clusters=5
kingdra-run dataset=custom dataset.path=my.csv n_clusters=5 dataset.given=.../ask.csv
kingdra-run dataset=custom dataset.path=my.csv n_clusters=5 dataset.links=.../ask_pairs.csv

The second and the third command give the answers back. ask_pairs.csv is for people who can tell whether two
points are of one kind, but have no names for the kinds.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.links import Links
from kingdra_repro.files import write_table
from kingdra_repro.methods import Ensemble, choose_pairs, choose_questions
from kingdra_repro.runs.clusters import append_columns


def write_questions(folder: Path, data: Dataset, method: Ensemble, given: np.ndarray | None) -> None:
    """Write ``ask.csv`` and ``ask_pairs.csv`` for a fitted ensemble into the folder of its run.

    `given` are the labels [n] that the ensemble was given, -1 for none.
    """
    asked, disagreement = choose_questions(method, data.X, given)
    write_table(folder / "ask.csv", question_table(data, asked, disagreement, method.labels_, given))
    pairs = choose_pairs(method, data.X, asked, data.links)
    write_table(folder / "ask_pairs.csv", pair_table(data, pairs, data.links))


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
