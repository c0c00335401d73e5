"""Cluster a table without labels, with two seeds: python examples/own_table.py [TABLE.csv [CLUSTERS]]

Without a table, it generates one with three groups of customers and clusters that.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from kingdra_repro import Kingdra
from kingdra_repro.bases import LadderIM
from kingdra_repro.data import load_custom


def made_up_table(folder: Path) -> Path:
    """Write a table of 600 customers in three groups."""
    rng = np.random.default_rng(0)
    centres = np.array([[25.0, 20_000, 2], [45.0, 60_000, 8], [65.0, 35_000, 20]])
    rows = np.repeat(centres, 200, axis=0) + rng.normal(size=(600, 3)) * [4, 5_000, 1.5]
    path = folder / "customers.csv"
    pd.DataFrame(rows, columns=["age", "income", "visits"]).to_csv(path, index=False)
    return path


with TemporaryDirectory() as folder:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else made_up_table(Path(folder))
    n_clusters = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    data = load_custom(path, n_clusters=n_clusters)  # each column is scaled to mean 0 and variance 1

small = {"n_models": 3, "n_iter": 1, "first_epochs": 10, "epochs": 5}
base = LadderIM(hidden=(32, 32))
runs = [Kingdra(n_clusters, base=base, random_state=seed, **small).fit_predict(data.X) for seed in (0, 1)]

print(f"{data.name}: {data.X.shape[0]} rows, {data.X.shape[1]} columns")
print("Rows in each cluster:", np.bincount(runs[0], minlength=n_clusters))
# If seeds disagree, do not trust the clusters. If they agree, the clusters are stable but may still be wrong.
print(f"Agreement of two seeds (1: the same clusters): {adjusted_rand_score(*runs):.2f}")
