"""Test the choice of the number of clusters on data sets whose classes are known.

    python -m scripts.n_clusters run   fit k = 2 to 12 on each set; repeat the command to resume
    python -m scripts.n_clusters       print a table of the recommended numbers

The fits are kept in results/n_clusters.csv.

About half of the sets (TRIED) were used to choose the rule of `kingdra_repro.evaluation.n_clusters`, the
others were not. Classes are used only to count them.

Environment: KINGDRA_MIRROR, a folder that holds usps/usps_all.mat (default: download it).
"""

import os
import sys
import time
from collections.abc import Callable
from itertools import product

import numpy as np
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

from kingdra_repro import Kingdra
from kingdra_repro.bases import LadderIM
from kingdra_repro.data import load_usps
from kingdra_repro.evaluation.n_clusters import measure, recommend
from kingdra_repro.evaluation.without_labels import MEASURES
from scripts.results_csv import RESULTS, ResultsCsv

RESULTS_CSV = ResultsCsv(RESULTS / "n_clusters.csv", "set", "seed", "k")
RANGE = range(2, 13)
SEEDS = (0,)
STEPS, BATCH = 160, 64  # of the first phase; each of the two iterations has half as many
BASE = LadderIM(hidden=(64,), denoising_costs=(10.0, 1.0, 0.1))
Points = tuple[np.ndarray, int]


def table(bunch) -> Points:
    """Return the features, standardised as the command line does for tables, and the number of classes."""
    return StandardScaler().fit_transform(bunch.data), len(np.unique(bunch.target))


def blobs(k: int, sizes: int | list[int], d: int, seed: int, std: float = 1.0) -> Points:
    X, _ = datasets.make_blobs(
        sizes, d, centers=None if isinstance(sizes, list) else k, random_state=seed, cluster_std=std
    )
    return StandardScaler().fit_transform(X), k


def digits() -> Points:
    return datasets.load_digits().data / 16, 10


def moons() -> Points:
    return StandardScaler().fit_transform(datasets.make_moons(1000, noise=0.06, random_state=0)[0]), 2


def usps() -> Points:
    X = load_usps(mirror=os.environ.get("KINGDRA_MIRROR")).X
    rows = np.sort(np.random.default_rng(0).choice(len(X), 2000, replace=False))
    return np.asarray(X[rows]), 10


TRIED: dict[str, Callable[[], Points]] = {
    "iris": lambda: table(datasets.load_iris()),
    "digits": digits,
    "3 blobs": lambda: blobs(3, 600, 4, 1),
    "8 blobs": lambda: blobs(8, 1000, 6, 2),
    "moons": moons,
}
OTHERS: dict[str, Callable[[], Points]] = {
    "wine": lambda: table(datasets.load_wine()),
    "breast cancer": lambda: table(datasets.load_breast_cancer()),
    "5 blobs": lambda: blobs(5, 800, 5, 3),
    "4 blobs of 600, 200, 100, 60": lambda: blobs(4, [600, 200, 100, 60], 5, 4),
    "6 blobs, 100 dimensions": lambda: blobs(6, 900, 100, 5, 3.0),
    "USPS, 2,000 of it": usps,
}


def estimator(n: int, seed: int) -> Kingdra:
    """Return a small Kingdra whose number of steps does not depend on the number of points."""
    epochs = max(1, round(STEPS / -(-n // BATCH)))
    return Kingdra(
        2,
        base=BASE,
        n_models=5,
        n_iter=2,
        first_epochs=epochs,
        epochs=max(1, epochs // 2),
        batch_size=BATCH,
        random_state=seed,
        device="cpu",
    )


def run() -> None:
    """Run all fits that are not in the file yet."""
    for seed, (name, make) in product(SEEDS, {**TRIED, **OTHERS}.items()):
        X, true = make()
        for k in RANGE:
            if RESULTS_CSV.has(name, seed, k):
                continue
            began = time.process_time()
            found = measure(estimator(len(X), seed), X.astype(np.float32), k)
            row = {"set": name, "n": X.shape[0], "d": X.shape[1], "classes": true, "seed": seed}
            rounded = {name: round(value, 4) for name, value in found.items()}
            RESULTS_CSV.add({**row, **rounded, "cpu_seconds": round(time.process_time() - began, 2)})


def show() -> None:
    """Print the recommended numbers and how often they are right."""
    runs = RESULTS_CSV.read()
    for title, sets in (("looked at for the rule", TRIED), ("not looked at", OTHERS)):
        print(f"\n| set, {title} | n | d | classes | recommended | next |\n|---|---|---|---|---|---|")
        off = []
        for name in sets:
            these = runs[(runs["set"] == name) & (runs["seed"] == SEEDS[0])]
            if len(these) < len(RANGE):
                print(f"| {name} | not all fits are done |")
                continue
            n, d, true = these[["n", "d", "classes"]].iloc[0]
            choice = recommend(these[["k", "clusters_found", *MEASURES]])
            others = choice.table[choice.table["k"] != choice.n_clusters]
            following = others.loc[others["score"].idxmax(), "k"]
            off.append(abs(choice.n_clusters - true))
            print(f"| {name} | {n:,} | {d:,} | {true} | {choice.n_clusters} | {following} |")
        print(f"\n{off.count(0)} of {len(off)} right, {off.count(1)} off by one.")


if __name__ == "__main__":
    run() if sys.argv[1:] == ["run"] else show()
