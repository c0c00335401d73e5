"""Compare one round of asking with random answers: is filling in ask.csv worth a person's time?

    python -m scripts.asking [seed ...]                default: seeds 0 to 4

Kingdra clusters USPS without labels, then again with the classes of 50 points: those that the run asks for,
or as many drawn at random. All scores are on the points in neither set, with clusters matched to classes. The
networks are small and the schedule is short, so five seeds take minutes. A seed's three rows are added to
results/asking.csv when all three are done, and are not computed again.

Environment: KINGDRA_MIRROR, a folder that holds usps/usps_all.mat (default: download it).
"""

import os
import sys
import time

import numpy as np
import torch

from kingdra_repro import Kingdra
from kingdra_repro.bases import LadderIM
from kingdra_repro.data import load_usps
from kingdra_repro.evaluation import scores
from kingdra_repro.methods import choose_questions
from kingdra_repro.provenance import device_name
from scripts.results_csv import RESULTS, ResultsCsv

RESULTS_CSV = ResultsCsv(RESULTS / "asking.csv", "seed")
QUESTIONS = 50
BASE = LadderIM(hidden=(128,), denoising_costs=(100.0, 10.0, 0.1))
KINGDRA = {"n_models": 3, "first_epochs": 5, "n_iter": 2, "epochs": 2, "batch_size": 128}


def answers(y: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the classes of the given rows, and -1 for all others."""
    given = np.full(len(y), -1, np.int64)
    given[rows] = y[rows]
    return given


def main(seeds: list[int]) -> None:
    data = load_usps(mirror=os.environ.get("KINGDRA_MIRROR"))
    assert data.y is not None
    for seed in seeds:
        if RESULTS_CSV.has(seed):
            continue
        model = Kingdra(10, base=BASE, random_state=seed, device="cpu", **KINGDRA)
        began = time.monotonic()
        without = model.fit(data.X).labels_
        asked, _ = choose_questions(model, data.X, n=QUESTIONS)
        drawn = np.random.default_rng(seed).choice(len(data.y), len(asked), replace=False)
        hidden = np.setdiff1d(np.arange(len(data.y)), np.union1d(asked, drawn))
        rows = []
        for name, told in (("none", None), ("asked", asked), ("random", drawn)):
            labels = without
            if told is not None:
                began = time.monotonic()
                labels = model.fit(data.X, answers(data.y, told)).labels_
            found = scores(data.y[hidden], labels[hidden])
            rows.append(
                {
                    "seed": seed,
                    "answers": name,
                    "n_answers": 0 if told is None else len(told),
                    "classes": 0 if told is None else len(np.unique(data.y[told])),
                    **{measure: round(value or 0.0, 4) for measure, value in found.items()},
                    "seconds": round(time.monotonic() - began, 1),
                    "command": f"python -m scripts.asking {seed}",
                    "device": device_name("cpu", 1, 1),
                }
            )
        RESULTS_CSV.add(*rows)
    print(RESULTS_CSV.read().groupby("answers")[["acc", "nmi", "purity"]].agg(["mean", "std"]).round(3))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main([int(seed) for seed in sys.argv[1:]] or [0, 1, 2, 3, 4])
