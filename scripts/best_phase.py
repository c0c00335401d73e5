"""Test ``method.keep_phase=modularity``: is the phase with the largest modularity a good answer?

    python -m scripts.best_phase               all sets below; finished fits are not computed again
    python -m scripts.best_phase digits "table: iris"    only these sets
    python -m scripts.best_phase report        print the means of results/best_phase.csv

A row of results/best_phase.csv is one phase of a fit: the accuracy of its answer (the only use of the
classes), and its modularity, by which the phase is chosen. The ensembles are small enough for one CPU core.
The ten tables are those of scripts/small_tables.py, with the command line's defaults. For linear RIM, Reuters
and 20news, see the histories of the rows "(best phase)" in results/.

Environment: KINGDRA_MIRROR, a folder that holds the data sets' files (default: download them).
"""

import os
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
import torch
from hydra.utils import instantiate
from sklearn.preprocessing import StandardScaler

from kingdra_repro.config import all_settings
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.provenance import device_name
from kingdra_repro.resolvers import register_resolvers
from scripts.results_csv import RESULTS, ResultsCsv
from scripts.small_tables import TABLES, make

RESULTS_CSV = ResultsCsv(RESULTS / "best_phase.csv", "set", "seed")
FIVE = ["ensemble.size=5", "training.iterations=4", "training.epochs=3"]
SMALL = [*FIVE, "base.hidden=[128,128]"]
SETS = {
    "digits": (range(5), ["dataset=digits", *FIVE]),
    "usps": (range(3), ["dataset=usps", *SMALL]),
    "reuters": (range(3), ["dataset=reuters", *SMALL]),
    "newsgroups": (range(3), ["dataset=newsgroups", *SMALL]),
    "stl": (range(2), ["dataset=stl", *SMALL]),
    "mnist": (range(2), ["dataset=mnist", *SMALL, "ensemble.size=3", "training.epochs=1"]),
}


class Phases:
    """A monitor that records the accuracy and modularity of each phase's answer."""

    def __init__(self, y: np.ndarray) -> None:
        self.y = y
        self.rows: list[dict[str, float]] = []

    def progress(self, event: Any) -> None: ...

    def iteration(self, it: Any) -> None:
        accuracy = round(clustering_accuracy(self.y, it.labels), 4)
        self.rows.append({"phase": it.index, "acc": accuracy, "modularity": round(it.row["modularity"], 5)})


def main(wanted: list[str]) -> None:
    torch.set_num_threads(1)
    register_resolvers()
    for name, (seeds, settings) in SETS.items():
        for seed in seeds:
            if name not in (wanted or SETS) or RESULTS_CSV.has(name, seed):
                continue
            mirror = os.environ.get("KINGDRA_MIRROR", "null")
            cfg = all_settings([*settings, f"seed={seed}", "n_jobs=1", "device=cpu", f"mirror={mirror}"])
            data = instantiate(cfg.dataset)
            method = instantiate(cfg.method)(n_clusters=data.n_clusters)
            fit(name, " ".join(settings), seed, method, data.X, data.y)
    for table in TABLES:
        name = f"table: {table}"
        for seed in range(3):
            if (wanted and name not in wanted) or RESULTS_CSV.has(name, seed):
                continue
            X, y = TABLES[table]()
            X = StandardScaler().fit_transform(X).astype(np.float32)
            fit(name, "dataset=custom", seed, make("kingdra", *X.shape, len(np.unique(y)), seed), X, y)


def fit(name: str, settings: str, seed: int, method: Any, X: Any, y: np.ndarray) -> None:
    """Fit, and add one row per phase."""
    began, watcher = time.process_time(), Phases(y)
    method.set_params(keep_phase="modularity", monitor=watcher).fit(X)
    seconds = round(time.process_time() - began, 1)
    of_fit = {"set": name, "settings": settings, "seed": seed}
    how = {
        "cpu_seconds": seconds,
        "command": "python -m scripts.best_phase",
        "device": device_name("cpu", 1, 1),
    }
    rows = [{**of_fit, **row, "kept": row["phase"] == method.phase_, **how} for row in watcher.rows]
    RESULTS_CSV.add(*rows)


def report() -> None:
    done = RESULTS_CSV.read()
    fits = done.groupby(["set", "seed"], sort=False)
    table = pd.DataFrame(
        {
            "first": fits["acc"].first(),
            "last": fits["acc"].last(),
            "kept": done[done["kept"]].set_index(["set", "seed"])["acc"],
        }
    )
    means = (100 * table.groupby("set", sort=False).mean()).round(1)
    print(means.assign(fits=table.groupby("set", sort=False).size()).to_string())
    for other in ("first", "last"):
        worse = (table["kept"] < table[other]).sum()
        better = (table["kept"] > table[other]).sum()
        print(f"kept against {other}: better in {better}, worse in {worse} of {len(table)} fits")


if __name__ == "__main__":
    if sys.argv[1:] == ["report"]:
        report()
    else:
        main(sys.argv[1:])
