"""Show where the tables of "Semi Supervised Clustering" come from: all true classes are in the loss.

    python scripts/true_pairs.py [fraction ...]        of USPS's labels; default: 0.01
    KINGDRA_TRUE_PAIRS_EPOCHS=20,12 python ...         a shorter schedule than the published 100,60

The document says that pairs of unlabelled points are made from predicted labels. Its public code makes them
from the data set's true labels; a subclass here does the same. Both are scored on the points without a label.
The package has no such option, and must not have one.

Environment: KINGDRA_MIRROR, a folder that holds usps/usps_all.mat (default: download it); KINGDRA_KEPT, a
folder where autoencoders are kept between calls.
"""

import os
import sys

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.data import load_usps
from kingdra_repro.evaluation import scores
from kingdra_repro.methods import ConstrainedAutoencoder, draw_labels


class TruePairs(ConstrainedAutoencoder):
    """The document's method with the pairs of its public code; ``classes`` holds every point's true class."""

    classes: np.ndarray

    def _pair_classes(self, rows: Tensor, log_p: Tensor) -> Tensor:
        return torch.from_numpy(self.classes).to(rows.device)[rows]


# The public code weights same- and different-class pairs equally in total, the text each pair equally.
WAYS = (
    ("true, weighed by kind, as in the public code", TruePairs, "kinds"),
    ("true, weighed as in the text", TruePairs, "pairs"),
    ("predicted, as in the text", ConstrainedAutoencoder, "pairs"),
)


def main(fractions: list[float]) -> None:
    data = load_usps(mirror=os.environ.get("KINGDRA_MIRROR"))
    assert data.y is not None
    epochs, clustering_epochs = map(int, os.environ.get("KINGDRA_TRUE_PAIRS_EPOCHS", "100,60").split(","))
    TruePairs.classes = data.y
    print("| labels | pairs of unlabelled points | NMI | purity | accuracy |")
    print("|---|---|---|---|---|")
    for fraction in fractions:
        given = draw_labels(data.y, 10, fraction=fraction)
        for name, kind, balance in WAYS:
            method = kind(
                10,
                image_shape=data.image_shape,
                epochs=epochs,
                clustering_epochs=clustering_epochs,
                annealing=(4 * clustering_epochs / 60, 40 * clustering_epochs / 60),
                balance=balance,
                random_state=0,
                autoencoder_dir=os.environ.get("KINGDRA_KEPT"),
            )
            found = scores(data.y, method.fit(data.X, given).labels_, given)
            numbers = " | ".join(f"{found[name]:.4f}" for name in ("nmi", "purity", "acc"))
            print(f"| {fraction:.0%} | {name} | {numbers} |", flush=True)


if __name__ == "__main__":
    main([float(fraction) for fraction in sys.argv[1:]] or [0.01])
