"""Clusters sets of many classes from a few labels, and fills their columns of a table of results/.

    python -m scripts.many_classes_from_labels CMU-PIE=PIE_pose27.mat COIL-20=COIL20.mat UMIST=UMIST.mat
    python -m scripts.many_classes_from_labels FRGC=FRGC4torch.h5 YTF=data4torch.h5

The second document's Tables 3 and 4 are of FRGC and YTF, which may not be passed on: their columns stay
empty until somebody who has the files gives the second command. Files are Matlab's (fea and gnd, or X and
Y), JULE's (data and labels), or any that dataset=custom takes. Two labels of each class at least, three
seeds. For the sake of time the autoencoder is the small one of scripts/unlabelled_pairs.py.
"""

import sys
from pathlib import Path

from kingdra_repro.data import Dataset, load_custom
from kingdra_repro.evaluation import scores
from kingdra_repro.files import write_text
from kingdra_repro.methods import (
    ConstrainedAutoencoder,
    ConstrainedKMeans,
    LogisticRegression,
    NearestLabelled,
    draw_labels,
)
from kingdra_repro.report.tables.cells import cell, read_tables, table
from kingdra_repro.report.tables.paper import published
from scripts.unlabelled_pairs import SMALL

RESULTS = Path(__file__).parents[1] / "results"
NAME = "labels_many_classes"
COLUMNS = ("CMU-PIE", "COIL-20", "UMIST", "FRGC", "YTF")
PARTS = {"2%": 0.02, "5%": 0.05, "10%": 0.1}
SEEDS = range(3)
METHODS = {
    "Constrained K-means": lambda k, seed: ConstrainedKMeans(k),
    "Nearest labelled point": lambda k, seed: NearestLabelled(k),
    "Logistic regression": lambda k, seed: LogisticRegression(k),
    "Constrained autoencoder": lambda k, seed: ConstrainedAutoencoder(k, random_state=seed, **SMALL),
}
SCORES = {"nmi": "NMI", "purity": "purity", "acc": "accuracy"}


def main(files: dict[str, str]) -> None:
    for name, path in files.items():
        write(name, _column(name, load_custom(path=path)))


def write(name: str, column: list[dict]) -> None:
    """Put a set's cells into the table, which keeps those of other sets."""
    there = read_tables(RESULTS).get(NAME, table([]))
    kept = {other: rows.to_dict("records") for other, rows in there.groupby("column")} | {name: column}
    cells = [one for name in COLUMNS for one in kept.get(name, _empty(name))]
    order = {row: place for place, row in enumerate(_rows())}
    found = table(sorted(cells, key=lambda one: order[one["row"]]))
    write_text(RESULTS / "tables" / f"{NAME}.csv", found.to_csv(index=False, lineterminator="\n"))


def _rows() -> list[str]:
    return [f"{part}: {method}, {score}" for part in PARTS for method in METHODS for score in SCORES.values()]


def _column(name: str, data: Dataset) -> list[dict]:
    """Run all methods on a set, and return its cells."""
    assert data.y is not None
    found: dict[str, list[float]] = {row: [] for row in _rows()}
    for part, fraction in PARTS.items():
        for seed in SEEDS:
            given = draw_labels(data.y, data.n_clusters, fraction=fraction, seed=seed)
            for method, make in METHODS.items():
                labels = make(data.n_clusters, seed).fit(data.X, given).labels_
                for score, value in scores(data.y, labels, given).items():
                    if score in SCORES and value is not None:
                        found[f"{part}: {method}, {SCORES[score]}"].append(100 * value)
        print(name, part, {row: values for row, values in found.items() if values}, flush=True)
    column = name.lower()
    return [
        cell(row, name, "-", "-", values, published(NAME, row, column), "", [])
        for row, values in found.items()
    ]


def _empty(name: str) -> list[dict]:
    """Return the cells of a set whose file nobody has given yet."""
    why = "not to be had: its owners let nobody pass it on" if name in ("FRGC", "YTF") else "not run"
    note = f"{why}. python -m scripts.many_classes_from_labels {name}=FILE fills the column"
    return [cell(row, name, "-", "-", [], published(NAME, row, name.lower()), note, []) for row in _rows()]


if __name__ == "__main__":
    named = dict(one.split("=", 1) for one in sys.argv[1:])
    if unknown := set(named) - set(COLUMNS):
        sys.exit(f"unknown {unknown.pop()}: choose from {', '.join(COLUMNS)}")
    main(named)
