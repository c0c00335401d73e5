"""K-means on each data set of the paper, beside the paper's row: are these the same data?

    python scripts/kmeans_table.py [dataset=mnist,stl] [seeds=0,1,2,3,4] [OVERRIDE ...]

Without `dataset=`, all five of Table 2. Other overrides (mirror=DIR, dataset.resize=224) are those of
kingdra-run. scikit-learn's K-means with 10 restarts for each seed, on the features as they are fed to the
networks. Prints a row as soon as it is known.
"""

import sys
import time

import numpy as np
import scipy.sparse as sp
from sklearn.cluster import KMeans

from kingdra_repro.data.from_settings import load_from_settings
from kingdra_repro.evaluation.metrics import clustering_accuracy

# Table 2 of Gupta et al. 2020, in per cent.
PAPER = {"mnist": 53.3, "stl": 85.0, "cifar10": 34.4, "reuters": 53.7, "newsgroups": 14.0}
RESTARTS = 10


def main(arguments: list[str]) -> None:
    """Print a row for each data set."""
    chosen = {name: value for name, _, value in (argument.partition("=") for argument in arguments)}
    names = chosen.get("dataset", ",".join(PAPER)).split(",")
    seeds = [int(seed) for seed in chosen.get("seeds", "0,1,2,3,4").split(",")]
    overrides = [a for a in arguments if a.partition("=")[0] not in ("dataset", "seeds")]
    print("| data set | n | d | paper | ours, mean (std) | seeds | seconds a seed |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        data = load_from_settings([f"dataset={name}", *overrides])
        if data.y is None:
            raise SystemExit(f"{name} has no labels to compare with")
        X = np.asarray(data.X) if isinstance(data.X, np.memmap) else data.X
        start = time.perf_counter()
        # Elkan's gives the clusters of the default one with fewer distances, but not for sparse rows.
        algorithm = "lloyd" if sp.issparse(X) else "elkan"
        accuracies = []
        for seed in seeds:
            kmeans = KMeans(data.n_clusters, n_init=RESTARTS, random_state=seed, algorithm=algorithm)
            accuracies.append(100 * clustering_accuracy(data.y, kmeans.fit(X).labels_))
        seconds = (time.perf_counter() - start) / len(seeds)
        each = " ".join(f"{accuracy:.1f}" for accuracy in accuracies)
        n, d = data.X.shape
        std = f" ({np.std(accuracies, ddof=1):.1f})" if len(accuracies) > 1 else ""
        ours = f"{np.mean(accuracies):.1f}{std}"
        print(f"| {name} | {n} | {d} | {PAPER.get(name, '')} | {ours} | {each} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
