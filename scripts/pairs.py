"""Random linked pairs: how much they help, and whether more pairs help more.

    python -m scripts.pairs [seed ...]              scikit-learn's digits; default: seeds 0 to 2
    python -m scripts.pairs coil20=FILE [seed ...]  COIL-20, from the Matlab file COIL20.mat
    python -m scripts.pairs mnist [seed ...]        MNIST: no, 1,000, 5,000 and 10,000 pairs; seed 0
    KINGDRA_PAIRS=10000 python -m scripts.pairs mnist    other numbers of pairs

Pairs of points are drawn at random and linked by whether both points have the same class. With the same seed,
a smaller set of pairs is the beginning of a larger one. Scores are on all points, as in the papers about
pairs. The networks are small, except on MNIST, which has a short schedule instead. A row is added to
results/pairs.csv when its fit is done, and is not computed again; an interrupted fit on MNIST resumes
(outputs/pairs). The seconds count only what a fit trains itself: the first models of `kingdra_plus` learn
without pairs and are trained once per seed, by the fit with the first number of pairs.

Environment: KINGDRA_MIRROR, a folder that holds MNIST's files (default: download them).
"""

import os
import shutil
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kingdra_repro import Kingdra
from kingdra_repro.bases import IMSATVAT, IMSATAffine, LadderIM
from kingdra_repro.data import Dataset, load_custom, load_digits, load_mnist
from kingdra_repro.evaluation import scores
from kingdra_repro.methods import KingdraPlus, Single
from kingdra_repro.provenance import device_name
from scripts.results_csv import RESULTS, ResultsCsv

RESULTS_CSV = ResultsCsv(RESULTS / "pairs.csv", "dataset", "method", "pairs", "seed")
NUMBERS = {"digits": (0, 50, 200, 500, 1000, 2000), "coil20": (0, 50, 200, 500, 1000, 2000)}
NUMBERS["mnist"] = (0, 1000, 5000, 10000)
SMALL = LadderIM(hidden=(128,), denoising_costs=(1000.0, 10.0, 0.1))
SMALL_FIRST = IMSATVAT(hidden=(128,), radius_scale=0.4, xi=5.0)
SHORT = {"n_models": 3, "n_iter": 3, "epochs": 4, "base": SMALL}
ON_SMALL = {
    "single": partial(Single, epochs=22, base=SMALL),
    "kingdra": partial(Kingdra, first_epochs=10, **SHORT),
    "kingdra_plus": partial(
        KingdraPlus, first_base=SMALL_FIRST, first_epochs=30, first_batch_size=100, **SHORT
    ),
}
PICTURES = IMSATAffine(image_shape=(28, 28), mu_later=None)  # MNIST's classes have nearly equal sizes
ON_MNIST = {
    "kingdra_affine": partial(
        Kingdra,
        base=PICTURES,
        batch_size=250,
        learning_rate=0.001,
        n_models=3,
        first_epochs=8,
        n_iter=2,
        epochs=2,
        verbose=1,
    ),
    "kingdra_plus": partial(KingdraPlus, n_models=3, first_epochs=8, n_iter=3, epochs=2, verbose=1),
}


def main(name: str, data: Dataset, seeds: list[int]) -> None:
    assert data.y is not None
    numbers = [int(m) for m in os.environ.get("KINGDRA_PAIRS", "").split(",") if m] or NUMBERS[name]
    for seed in seeds:
        for method, make in (ON_MNIST if name == "mnist" else ON_SMALL).items():
            for n_pairs in numbers:
                row = {"dataset": name, "method": method, "pairs": n_pairs, "seed": seed}
                if not RESULTS_CSV.has(*row.values()):
                    RESULTS_CSV.add(row | _fit(make, data, row))
    done = RESULTS_CSV.read()
    print(done[done["dataset"] == name].groupby(["method", "pairs"])[["acc", "nmi"]].mean().round(3))


def _fit(make: Callable[..., Any], data: Dataset, row: dict) -> dict:
    """Fit with the row's number of pairs, and return the rest of the row."""
    assert data.y is not None
    together, apart = draw_pairs(data.y, row["pairs"], row["seed"])
    folder = None
    if row["dataset"] == "mnist":
        folder = Path("outputs") / "pairs" / "-".join(map(str, row.values()))
        _take_first_models(folder, row)
    method = make(data.n_clusters, random_state=row["seed"], device="cpu", checkpoint_dir=folder)
    began = time.process_time()
    labels = method.fit(data.X, must_link=together, cannot_link=apart).labels_
    return {
        **{measure: round(value or 0.0, 4) for measure, value in scores(data.y, labels).items()},
        "n_together": len(together),
        "together_kept": _share(labels[together[:, 0]] == labels[together[:, 1]]),
        "apart_kept": _share(labels[apart[:, 0]] != labels[apart[:, 1]]),
        "cpu_seconds": round(time.process_time() - began, 1),
        "command": " ".join(["python -m scripts.pairs", *sys.argv[1:]]),
        "device": device_name("cpu", 1, 1),
    }


def _take_first_models(folder: Path, row: dict) -> None:
    """Reuse the first models of a fit with another number of pairs: they do not depend on the pairs."""
    others = folder.parent.glob("-".join(map(str, {**row, "pairs": "*"}.values())) + "/fine")
    if not folder.exists() and (first := next(others, None)) is not None:
        part = folder.with_name(folder.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(first, part / "fine")
        part.rename(folder)  # atomic: complete or missing


def draw_pairs(y: np.ndarray, n_pairs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw pairs; return those of the same class and those of different classes, each int [m, 2]."""
    pairs = np.random.default_rng(seed).integers([0, 1], len(y), size=(n_pairs, 2))
    pairs[:, 1] = (pairs[:, 0] + pairs[:, 1]) % len(y)
    same = y[pairs[:, 0]] == y[pairs[:, 1]]
    return pairs[same], pairs[~same]


def _share(kept: np.ndarray) -> float:
    return round(float(kept.mean()), 4) if len(kept) else float("nan")


def _named(argument: str) -> tuple[str, Dataset]:
    name, _, path = argument.partition("=")
    if name == "mnist":
        return name, load_mnist(mirror=os.environ.get("KINGDRA_MIRROR"))
    return (name, load_custom(path=path)) if path else (name, load_digits())


if __name__ == "__main__":
    torch.set_num_threads(1)
    named = [argument for argument in sys.argv[1:] if not argument.isdecimal()] or ["digits"]
    told = [int(argument) for argument in sys.argv[1:] if argument.isdecimal()]
    main(*_named(named[0]), told or ([0] if named[0] == "mnist" else [0, 1, 2]))
