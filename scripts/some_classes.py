"""Labels for only some classes: how much ten labelled points of each help, on scikit-learn's digits.

    python -m scripts.some_classes [seed ...]      default: seeds 0 to 2

Scores are on the points without a label. Runs without labels and with labels of all classes are included for
comparison. A row is added to results/some_classes.csv when its fit is done, and is not computed again.
"""

import sys
import time

import numpy as np
import torch

from kingdra_repro import Kingdra
from kingdra_repro.bases import IMSATVAT, Base, LadderIM
from kingdra_repro.data import load_digits
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.methods import draw_labels
from kingdra_repro.provenance import device_name
from scripts.results_csv import RESULTS, ResultsCsv

RESULTS_CSV = ResultsCsv(RESULTS / "some_classes.csv", "base", "labelled", "seed")
BASES: dict[str, Base] = {
    "imsat_vat": IMSATVAT(hidden=(128,), xi=5.0, radius_scale=0.4),
    "ladder_im": LadderIM(hidden=(128,)),
}
LABELLED = ("", "0", "3", "012", "0123456", "0123456789")  # digits that have labels
SETTINGS = {"n_models": 3, "first_epochs": 15, "n_iter": 2, "epochs": 5}


def main(seeds: list[int]) -> None:
    for name, base in BASES.items():
        for labelled in LABELLED:
            for seed in seeds:
                row = {"base": name, "labelled": labelled, "seed": seed}
                if not RESULTS_CSV.has(*row.values()):
                    RESULTS_CSV.add(row | fit(base, labelled, seed))
    done = RESULTS_CSV.read(dtype={"labelled": str}, keep_default_na=False)
    print(done.groupby(["base", "labelled"])["acc"].agg(["mean", "std", "count"]).round(3))


def fit(base: Base, labelled: str, seed: int) -> dict[str, object]:
    data = load_digits()
    assert data.y is not None
    drawn = draw_labels(data.y, data.n_clusters, 10, seed)
    given = np.where(np.isin(drawn, [int(digit) for digit in labelled]), drawn, -1)
    model = Kingdra(data.n_clusters, base=base, random_state=seed, n_jobs=1, device="cpu", **SETTINGS)
    began = time.process_time()
    model.fit(data.X, given)
    free = given < 0
    return {
        "acc": round(clustering_accuracy(data.y[free], model.labels_[free]), 4),
        "cpu_seconds": round(time.process_time() - began, 1),
        "command": " ".join(["python -m scripts.some_classes", *sys.argv[1:]]),
        "device": device_name("cpu", 1, 1),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    main([int(seed) for seed in sys.argv[1:]] or [0, 1, 2])
