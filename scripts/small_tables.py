"""Compare the command line's defaults with K-means on ten tables of 150 to 5,000 rows with known classes.

    python -m scripts.small_tables [SEEDS [TABLE ...]]       defaults: 5 seeds, all tables
    python -m scripts.small_tables report                    print the means

Each column is scaled to mean 0 and variance 1, as with ``dataset=custom``. After each fit a row is added to
results/small_tables.csv, and no fit is repeated. ``modularity`` is that of the clusters in the graph of ten
nearest neighbours (Newman 2004), which needs no labels; only the accuracy uses labels.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from hydra.utils import instantiate
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

from kingdra_repro.config import all_settings, with_auto_settings
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.methods import KMeans
from kingdra_repro.methods.best_phase import modularity, neighbour_graph
from kingdra_repro.provenance import device_name
from kingdra_repro.resolvers import register_resolvers
from scripts.results_csv import RESULTS, ResultsCsv

RESULTS_CSV = ResultsCsv(RESULTS / "small_tables.csv", "table", "method", "seed")
METHODS = {
    "kmeans": None,
    "kingdra": (),
    "kingdra, linear_rim": ("base=linear_rim",),
}
Table = tuple[np.ndarray, np.ndarray]


def anisotropic() -> Table:
    """Return scikit-learn's example of three elongated clusters."""
    X, y = datasets.make_blobs(600, random_state=170)[:2]
    return X @ np.array([[0.6, -0.6], [-0.4, 0.8]]), y


def unequal() -> Table:
    """Make four round clusters of 500, 200, 80 and 20 points."""
    centers = np.array([[0, 0], [5, 0], [0, 5], [5, 5]])
    return datasets.make_blobs([500, 200, 80, 20], centers=centers, random_state=0)[:2]


def two_of_twenty() -> Table:
    """Make three clusters that differ in only 2 of 20 columns."""
    X, y = datasets.make_blobs(600, 2, centers=3, center_box=(-6, 6), random_state=1)[:2]
    return np.hstack([X, 3 * np.random.default_rng(0).normal(size=(600, 18))]), y


def one_hot() -> Table:
    """Make four classes and eight one-hot columns of five values: a class's favourite in 60%, else random."""
    rng = np.random.default_rng(0)
    y = rng.integers(4, size=1000)
    favourite = rng.integers(5, size=(4, 8))
    values = np.where(rng.random((1000, 8)) < 0.6, favourite[y], rng.integers(5, size=(1000, 8)))
    return np.eye(5)[values].reshape(1000, 40), y


def blobs() -> Table:
    """Make five round, touching clusters in ten dimensions."""
    return datasets.make_blobs(5000, 10, centers=5, center_box=(-3, 3), cluster_std=2.0, random_state=0)[:2]


TABLES: dict[str, Callable[[], Table]] = {
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "breast cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "moons": lambda: datasets.make_moons(500, noise=0.1, random_state=0),
    "anisotropic": anisotropic,
    "unequal sizes": unequal,
    "2 of 20 columns": two_of_twenty,
    "one-hot": one_hot,
    "digits": lambda: datasets.load_digits(return_X_y=True),
    "blobs": blobs,
}


def make(name: str, n: int, d: int, k: int, seed: int) -> Any:
    """Return K-means, or the estimator that the command line makes for a user's table."""
    if METHODS[name] is None:
        return KMeans(k, random_state=seed)
    given = ["dataset=custom", "dataset.path=unread", f"seed={seed}", "n_jobs=1", "device=cpu"]
    cfg = all_settings([*given, *METHODS[name]])
    return instantiate(with_auto_settings(cfg, n, d).method)(n_clusters=k)


def main(seeds: int, wanted: list[str]) -> None:
    torch.set_num_threads(1)
    register_resolvers()
    for seed in range(seeds):
        for table in wanted or TABLES:
            X, y = TABLES[table]()
            X = StandardScaler().fit_transform(X).astype(np.float32)
            k = len(np.unique(y))
            for name in METHODS:
                if RESULTS_CSV.has(table, name, seed):
                    continue
                began = time.process_time()
                labels = make(name, *X.shape, k, seed).fit(X).labels_
                row = {
                    **{"table": table, "n": len(X), "d": X.shape[1], "k": k, "method": name, "seed": seed},
                    "acc": round(clustering_accuracy(y, labels), 4),
                    "modularity": round(modularity(neighbour_graph(X), labels), 4),
                    "cpu_seconds": round(time.process_time() - began, 1),
                    "command": f"python -m scripts.small_tables {seeds}",
                    "device": device_name("cpu", 1, 1),
                }
                RESULTS_CSV.add(row)


def report() -> None:
    done = RESULTS_CSV.read()
    means = (100 * done.pivot_table("acc", "table", "method", sort=False)).round(1)
    print(means.to_string())
    for name in means.columns.drop("kmeans"):
        print(
            f"{name}: at least as good as K-means on {(means[name] >= means['kmeans']).sum()} of {len(means)}"
        )


if __name__ == "__main__":
    if sys.argv[1:] == ["report"]:
        report()
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, sys.argv[2:])
