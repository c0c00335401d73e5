"""How much MNIST's file order helps: Ladder-IM without pseudo-labels, trained on rows in other orders.

    python scripts/batch_orders.py ORDER [epochs [models [mirror]]]

Prints each model's accuracy after every epoch; three epochs of two models take about five minutes on a core.
This is a diagnosis: some orders use the labels, which no method may. The findings are in results/NOTES.md.

ORDER: file; exchanged (second half of the training images first); batches (the file's batches of about 64, in
random order); windows (shuffled within windows of 1,000 rows); shuffled (once);
style (batches of similar slant and stroke thickness, measured on the pixels);
classes (random batches with an equal number of rows of each class);
style_of_classes (as classes, but the rows of each class in a batch share a style: they are close along the
principal components of the pixels minus the class mean).
For batches, style, classes and style_of_classes, the batches are concatenated in random order, and training
cuts the result into batches of 64 again.
"""

import sys
import time

import numpy as np
import torch
from sklearn.decomposition import PCA

from kingdra_repro import Kingdra
from kingdra_repro.bases import LadderIM
from kingdra_repro.data import load_mnist
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.methods import Iteration, Progress
from kingdra_repro.pseudo_labels import MiniClusters

BATCH = 64
N_TRAIN = 60_000


class NoPseudoLabels:
    """Finds no pseudo-labels, so that training stays unsupervised."""

    def __call__(self, proba: torch.Tensor, features: object) -> MiniClusters:
        n_clusters = proba.shape[-1]
        return MiniClusters.of(torch.full((proba.shape[1],), -1), n_clusters, 1.0)


class Watch:
    """Prints the models' accuracies after every epoch."""

    def __init__(self, y: np.ndarray) -> None:
        self.y = y
        self.start = time.perf_counter()

    def progress(self, event: Progress) -> None: ...

    def iteration(self, it: Iteration) -> None:
        assert it.model_labels is not None, "an ensemble has them"
        found = " ".join(f"{100 * clustering_accuracy(self.y, labels):.1f}" for labels in it.model_labels)
        seconds = time.perf_counter() - self.start
        print(f"epoch {it.index + 1}: {found} % (loss {it.row['loss']:.3f}, {seconds:.0f} s)", flush=True)


def balanced_batches(scores: np.ndarray, groups: list[np.ndarray]) -> list[np.ndarray]:
    """Form batches of about BATCH rows with similar scores [n, p], each with the same share of every group.

    All groups are split together, each at its own median of the score that varies most within groups. The
    halves are split again until they have the size of a batch.
    """
    n_rows = sum(len(rows) for rows in groups)
    if n_rows < 1.5 * BATCH:
        return [np.concatenate(groups)]
    within = sum(len(rows) * scores[rows].var(0) for rows in groups if len(rows))
    score = scores[:, np.argmax(within)]
    halves: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for index, rows in enumerate(groups):
        rows = rows[np.argsort(score[rows], kind="stable")]
        middle = (len(rows) + index % 2) // 2  # the extra row of odd groups alternates between the halves
        halves[0].append(rows[:middle])
        halves[1].append(rows[middle:])
    return balanced_batches(scores, halves[0]) + balanced_batches(scores, halves[1])


def slant_and_thickness(X: np.ndarray) -> np.ndarray:
    """Compute [n, 2]: the shear of the ink and the ink per ink-paper border, as ranks from 0 to 1."""
    ink = X.reshape(-1, 28, 28).astype(np.float64)
    total = ink.sum((1, 2))
    place = np.arange(28)
    dy = place - ((ink.sum(2) @ place) / total)[:, None]
    dx = place - ((ink.sum(1) @ place) / total)[:, None]
    slant = np.einsum("nij,ni,nj->n", ink, dy, dx) / np.einsum("nij,ni->n", ink, dy**2)
    dark = ink > 0.5
    borders = (dark[:, 1:] != dark[:, :-1]).sum((1, 2)) + (dark[:, :, 1:] != dark[:, :, :-1]).sum((1, 2))
    thickness = dark.sum((1, 2)) / np.maximum(borders, 1)
    scores = np.stack([slant, thickness], axis=1)
    return scores.argsort(0).argsort(0) / len(X)


def style_of_classes(X: np.ndarray, y: np.ndarray, n_components: int = 8) -> np.ndarray:
    """Compute [n, n_components]: principal components of the pixels minus the class means."""
    rest = X.copy()
    for label in np.unique(y):
        rest[y == label] -= X[y == label].mean(0)
    return np.asarray(PCA(n_components, random_state=0).fit_transform(rest))


def ordered_rows(order: str, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the row indices [n] in the named order."""
    rows = np.arange(len(X))
    classes = [np.flatnonzero(y == label) for label in np.unique(y)]
    if order == "file":
        return rows
    if order == "exchanged":
        return np.concatenate([np.roll(rows[:N_TRAIN], N_TRAIN // 2), rows[N_TRAIN:]])
    if order == "windows":
        return np.concatenate([rng.permutation(rows[i : i + 1000]) for i in range(0, len(rows), 1000)])
    if order == "shuffled":
        return rng.permutation(rows)
    if order == "batches":
        batches = np.array_split(rows, len(rows) // BATCH)
    elif order == "style":
        batches = balanced_batches(slant_and_thickness(X), [rows])
    elif order == "classes":
        batches = balanced_batches(rng.random((len(X), 1)), classes)
    elif order == "style_of_classes":
        batches = balanced_batches(style_of_classes(X, y), classes)
    else:
        sys.exit(f"ORDER={order} is unknown: see the head of {__file__}")
    return np.concatenate([batches[i] for i in rng.permutation(len(batches))])


def main(order: str, epochs: str = "3", models: str = "2", mirror: str | None = None) -> None:
    data = load_mnist(mirror=mirror)
    X, y = np.asarray(data.X, dtype=np.float32), np.asarray(data.y)
    rows = ordered_rows(order, X, y, np.random.default_rng(0))
    Kingdra(
        10,
        base=LadderIM(w_mi=0.1),
        n_models=int(models),
        n_iter=int(epochs) - 1,
        first_epochs=1,
        epochs=1,
        batch_size=BATCH,
        order="file",
        precision="bfloat16",
        pseudo_labels=NoPseudoLabels(),
        random_state=0,
        n_jobs=1,
        monitor=Watch(y[rows]),
    ).fit(X[rows])


if __name__ == "__main__":
    given = sys.argv[1:]
    if not given:
        sys.exit(__doc__)
    main(*given)
