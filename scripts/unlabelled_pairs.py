"""Experiment behind the default of ``unlabelled_pairs`` in ConstrainedAutoencoder, on digits and COIL-20.

    python -m scripts.unlabelled_pairs [COIL20.mat]     write results/unlabelled_pairs.csv

It tries each way of making pairs of unlabelled points, and lambda 0, with three seeds and two fractions of
labels. To save time the network is small and fully connected, with 20 + 24 epochs, lambda rising from epoch 2
to 16, and a learning rate of 0.00025. USPS and MNIST are not used. Fits that the file has are not repeated.
"""

import sys
from typing import Any

from kingdra_repro.data import Dataset, load_custom, load_digits
from kingdra_repro.evaluation import scores
from kingdra_repro.methods import ConstrainedAutoencoder, draw_labels
from scripts.results_csv import RESULTS, ResultsCsv

RESULTS_CSV = ResultsCsv(RESULTS / "unlabelled_pairs.csv", "dataset", "labels", "seed", "way")
WAYS: dict[str, Any] = {
    "none": {"unlabelled_pairs": "none"},
    "confident": {"unlabelled_pairs": "confident"},
    "predicted": {"unlabelled_pairs": "predicted"},
    "lambda 0": {"unlabelled_weight": 0.0},
}
SMALL: Any = {
    "hidden": (128, 128),
    "epochs": 20,
    "clustering_epochs": 24,
    "annealing": (2, 16),
    "learning_rate": 0.00025,
}


def main(coil20: str | None) -> None:
    sets = [("digits", load_digits(), (0.01, 0.05))]
    if coil20 is not None:
        sets.append(("COIL-20", load_custom(path=coil20), (0.05, 0.1)))
    for step in (0, 1):  # the smaller fraction of all sets first
        for seed in range(3):
            for name, data, fractions in sets:
                for way in WAYS:
                    _run(name, data, fractions[step], seed, way)


def _run(name: str, data: Dataset, fraction: float, seed: int, way: str) -> None:
    """Run one fit and add its row to the file."""
    row = {"dataset": name, "labels": f"{fraction:.4f}", "seed": seed, "way": way}
    if RESULTS_CSV.has(*row.values()):
        return
    assert data.y is not None
    given = draw_labels(data.y, data.n_clusters, fraction=fraction, seed=seed)
    method = ConstrainedAutoencoder(data.n_clusters, random_state=seed, **SMALL, **WAYS[way])
    found = scores(data.y, method.fit(data.X, given).labels_, given)
    RESULTS_CSV.add(row | {measure: round(value or 0.0, 4) for measure, value in found.items()})


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
