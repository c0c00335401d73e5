"""Compare the settings from `kingdra_repro.auto_settings` with fixed ones on tables: accuracy and seconds.

    python -m scripts.auto_settings [SEEDS [NAME ...]]

SEEDS is the number of seeds. NAME selects what is run: a table, a method (kmeans, rule, or fixed: 20 epochs,
then five iterations of 10; layers of 256), or a pair such as TABLE/rule. Labels are used only for the scores.
"""

import sys
import time
from collections.abc import Iterator

import numpy as np
import torch
from sklearn.datasets import make_blobs

from kingdra_repro import Kingdra
from kingdra_repro.auto_settings import AutoSettings, auto_settings
from kingdra_repro.bases import LadderIM
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.methods import KMeans
from scripts import small_tables

FIXED = AutoSettings((256, 256), first_epochs=20, epochs=10, iterations=5)
TABLES = {
    **{name: small_tables.TABLES[name] for name in ("iris", "wine", "breast cancer", "digits")},
    "blobs": lambda: make_blobs(1500, 6, centers=3, cluster_std=2.0, random_state=0),
}


def estimators(n: int, d: int, k: int, seed: int) -> Iterator[tuple[str, Kingdra | KMeans]]:
    yield "kmeans", KMeans(k, random_state=seed)
    for name, chosen in (("rule", auto_settings(n, d)), ("fixed", FIXED)):
        base = LadderIM(hidden=chosen.hidden)
        epochs = {"first_epochs": chosen.first_epochs, "epochs": chosen.epochs, "n_iter": chosen.iterations}
        yield name, Kingdra(k, base=base, random_state=seed, device="cpu", **epochs)


def main(seeds: int, wanted: list[str]) -> None:
    for table, load in TABLES.items():
        X, y = load()
        X = (X - X.mean(0)) / np.where(X.std(0) > 0, X.std(0), 1)  # as the command line scales tables
        for seed in range(seeds):
            for name, estimator in estimators(*X.shape, len(np.unique(y)), seed):
                if f"{table}/{name}" in wanted or name in wanted or table in wanted or not wanted:
                    began = time.process_time()
                    labels = estimator.fit(X).labels_
                    seconds = time.process_time() - began
                    score = clustering_accuracy(y, labels)
                    print(f"{table},{name},{seed},{score:.3f},{seconds:.1f}", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1, sys.argv[2:])
