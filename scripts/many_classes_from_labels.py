"""Cluster data sets with many classes from a few labels, and fill their columns of a table in results/.

    python -m scripts.many_classes_from_labels CMU-PIE=PIE_pose27.mat COIL-20=COIL20.mat UMIST=UMIST.mat
    python -m scripts.many_classes_from_labels FRGC=FRGC4torch.h5 YTF=data4torch.h5

The second document's Tables 3 and 4 are about FRGC and YTF, which may not be redistributed: their columns
stay empty until someone who has the files runs the second command. Files may be Matlab's (fea and gnd, or X
and Y), JULE's (data and labels), or anything that dataset=custom reads. Each class has at least two labels,
and there are three seeds; autoencoders (fully connected) and ladder networks use their default settings.
When a fit is done, its row is added to results/many_classes_from_labels.csv, and the fit is not repeated; the
table is made from these rows. Autoencoders are trained once per seed, with the first number of labels, and
kept in outputs/many_classes_from_labels.
"""

import sys
import time
from itertools import product
from pathlib import Path

import pandas as pd
import torch

from kingdra_repro.data import Dataset, load_custom
from kingdra_repro.evaluation import scores
from kingdra_repro.files import write_table
from kingdra_repro.methods import (
    ConstrainedAutoencoder,
    ConstrainedKMeans,
    LogisticRegression,
    NearestLabelled,
    SemiSupervised,
    draw_labels,
)
from kingdra_repro.provenance import device_name
from kingdra_repro.report.tables.cells import cell, table
from kingdra_repro.report.tables.paper import paper_mean_std
from scripts.results_csv import RESULTS, ResultsCsv

NAME = "labels_many_classes"
COLUMNS = ("CMU-PIE", "COIL-20", "UMIST", "FRGC", "YTF")
PARTS = {"2%": 0.02, "5%": 0.05, "10%": 0.1}
SEEDS = range(3)
RESULTS_CSV = ResultsCsv(RESULTS / "many_classes_from_labels.csv", "dataset", "labels", "method", "seed")
AUTOENCODERS = Path("outputs") / "many_classes_from_labels"
METHODS = {
    "Constrained K-means": lambda k, seed: ConstrainedKMeans(k),
    "Nearest labelled point": lambda k, seed: NearestLabelled(k),
    "Logistic regression": lambda k, seed: LogisticRegression(k),
    "Constrained autoencoder": lambda k, seed: ConstrainedAutoencoder(
        k, random_state=seed, device="cpu", autoencoder_dir=AUTOENCODERS
    ),
    "Ladder": lambda k, seed: SemiSupervised(k, random_state=seed, device="cpu"),
}
SCORES = {"nmi": "NMI", "purity": "purity", "acc": "accuracy"}
AXES = (COLUMNS, PARTS, METHODS, SCORES)


def main(files: dict[str, str]) -> None:
    for name, path in files.items():
        _fit_all(name, load_custom(path=path))
    fits = RESULTS_CSV.read()
    cells = table([_cell(fits, *names) for names in product(*AXES)])
    write_table(RESULTS / "tables" / f"{NAME}.csv", cells)


def _fit_all(name: str, data: Dataset) -> None:
    """Fit each method with each number of labels, unless `RESULTS_CSV` already has the fit."""
    assert data.y is not None
    for (part, fraction), seed in product(PARTS.items(), SEEDS):
        given = draw_labels(data.y, data.n_clusters, fraction=fraction, seed=seed)
        for method, make in METHODS.items():
            row = {"dataset": name, "labels": part, "method": method, "seed": seed}
            if RESULTS_CSV.has(*row.values()):
                continue
            if (same := _same_labels(row, int((given >= 0).sum()))) is not None:
                RESULTS_CSV.add(same | row)
                continue
            began = time.process_time()
            labels = make(data.n_clusters, seed).fit(data.X, given).labels_
            found = scores(data.y, labels, given)
            RESULTS_CSV.add(
                row
                | {score: round(found[score] or 0.0, 6) for score in SCORES}
                | {
                    "n_labels": int((given >= 0).sum()),
                    "cpu_seconds": round(time.process_time() - began, 1),
                    "command": f"python -m scripts.many_classes_from_labels {name}=FILE",
                    "device": device_name("cpu", 1, 1),
                }
            )


def _same_labels(row: dict, n_labels: int) -> dict | None:
    """Return a finished fit with equally many labels, which are then the same labels; None if none."""
    if not RESULTS_CSV.path.exists():
        return None
    fits = RESULTS_CSV.read(dtype=str, keep_default_na=False)
    for one in ("dataset", "method", "seed"):
        fits = fits[fits[one] == str(row[one])]
    fits = fits[fits["n_labels"] == str(n_labels)]
    return None if fits.empty else fits.iloc[0].to_dict()


def _cell(fits: pd.DataFrame, name: str, part: str, method: str, score: str) -> dict:
    """Return a table cell: the mean over finished fits, or a note that says why there are none."""
    row = f"{part}: {method}, {SCORES[score]}"
    fits = fits.query("dataset == @name and labels == @part and method == @method")
    why = "not to be had: its owners let nobody pass it on" if name in ("FRGC", "YTF") else "not run"
    fill = f"{why}. python -m scripts.many_classes_from_labels {name}=FILE fills the column"
    note = "" if len(fits) else fill
    return cell(row, name, "-", "-", 100 * fits[score], paper_mean_std(NAME, row, name.lower()), note, [])


if __name__ == "__main__":
    named = dict(one.split("=", 1) for one in sys.argv[1:])
    if unknown := set(named) - set(COLUMNS):
        sys.exit(f"unknown {unknown.pop()}: choose from {', '.join(COLUMNS)}")
    torch.set_num_threads(1)
    main(named)
