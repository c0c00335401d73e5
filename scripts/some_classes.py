"""Labels of some classes alone: what ten labelled points of each of them are worth, on scikit-learn's digits.

    python -m scripts.some_classes [seed ...]      0 to 2 where none is given

Scores are of the points without a label; no labels, and labels of all classes, stand beside them. A row goes
to results/some_classes.csv when its fit is done, and is not computed again.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from kingdra_repro import Kingdra
from kingdra_repro.bases import IMSATVAT, Base, LadderIM
from kingdra_repro.data import load_digits
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.files import write_text
from kingdra_repro.methods import draw_labels
from kingdra_repro.provenance import device_name

ROWS = Path(__file__).parents[1] / "results" / "some_classes.csv"
BASES: dict[str, Base] = {
    "imsat_vat": IMSATVAT(hidden=(128,), xi=5.0, radius_scale=0.4),
    "ladder_im": LadderIM(hidden=(128,)),
}
LABELLED = ("", "0", "3", "012", "0123456", "0123456789")  # digits that have labels
SETTINGS = {"n_models": 3, "first_epochs": 15, "n_iter": 2, "epochs": 5}


def main(seeds: list[int]) -> None:
    done = (
        pd.read_csv(ROWS, dtype={"labelled": str}, keep_default_na=False) if ROWS.exists() else pd.DataFrame()
    )
    for name, base in BASES.items():
        for labelled in LABELLED:
            for seed in seeds:
                row = {"base": name, "labelled": labelled, "seed": seed}
                if len(done) and (done[list(row)] == pd.Series(row)).all(axis=1).any():
                    continue
                done = pd.concat([done, pd.DataFrame([row | fit(base, labelled, seed)])])
                write_text(ROWS, done.to_csv(index=False, lineterminator="\n"))
                print(done.iloc[-1].to_dict(), flush=True)
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
