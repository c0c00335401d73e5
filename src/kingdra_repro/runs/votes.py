"""votes.npz: the answers of each model of an ensemble, and how far the models agree."""

from pathlib import Path

import numpy as np
import torch

from kingdra_repro.files import atomic_write
from kingdra_repro.pseudo_labels.matching import align
from kingdra_repro.runs.reading import reporting_damage
from kingdra_repro.sampling import fixed_sample

SAMPLED = 1_000  # points whose answers after every phase are kept


class Votes:
    """The models' answers after each phase, kept in a folder so that an interrupted run can resume."""

    def __init__(self, folder: Path):
        self.folder = folder

    def add(self, index: int, model_labels: np.ndarray) -> None:
        """Keep the answers [n_models, n] after phase `index`, replacing earlier ones of that phase.

        For the first phase and the latest one, the answers for all points are kept (n_models * n bytes up to
        256 clusters); for every phase, the answers for the sample.
        """
        self.folder.mkdir(exist_ok=True)
        small = model_labels.astype(np.min_scalar_type(int(model_labels.max())))
        kept = {str(index): small[:, fixed_sample(small.shape[1], SAMPLED)], "last": small}
        if index == 0:
            kept["first"] = small
        for name, votes in kept.items():
            atomic_write(self.folder / f"{name}.npy", lambda file, votes=votes: np.save(file, votes))  # type: ignore[misc]

    def first(self) -> np.ndarray | None:
        """Return the answers [n_models, n] after the first phase; None if the method has no ensemble."""
        path = self.folder / "first.npy"
        return np.load(path, allow_pickle=False) if path.exists() else None

    def write(self, path: Path, answer: np.ndarray | None = None) -> None:
        """Write the finished run's ``votes.npz``, unless the method has no ensemble.

        ``first``, ``last`` : uint8 (or uint16) [n_models, n], after the first phase and after the last
        ``answer`` : the same after the phase that gave the answer (`answer`), if it is not the last one
        ``sample`` : int64 [s], at most 1,000 row indices, the same for all data sets of n points
        ``sampled`` : [n_phases, n_models, s], the answers for the sample after each phase
        """
        phases = sorted(self.folder.glob("[0-9]*.npy"), key=lambda file: int(file.stem))
        if not phases:
            return
        first, last = (np.load(self.folder / f"{name}.npy", allow_pickle=False) for name in ("first", "last"))
        sampled = np.stack([np.load(file, allow_pickle=False) for file in phases])
        arrays = {
            "first": first,
            "last": last,
            "sample": fixed_sample(first.shape[1], SAMPLED),
            "sampled": sampled,
        }
        if answer is not None and not np.array_equal(answer, last):
            arrays["answer"] = answer.astype(np.min_scalar_type(int(answer.max())))
        atomic_write(path, lambda file: np.savez_compressed(file, **arrays))


def answer_votes(folder: Path) -> np.ndarray | None:
    """Return the models' answers [n_models, n] behind a finished run's clusters; None without an ensemble."""
    path = folder / "votes.npz"
    if not path.exists():
        return None
    with reporting_damage(path), np.load(path, allow_pickle=False) as arrays:
        return arrays["answer" if "answer" in arrays else "last"]


def aligned_votes(votes: np.ndarray, labels: np.ndarray, n_clusters: int) -> np.ndarray:
    """Return each model's answers as final clusters: [n_models, n], in the smallest unsigned dtype.

    In `votes` [n_models, n], each model numbers its clusters in its own way. They are matched one to one to
    the final clusters, so that most points keep their cluster.
    """
    kind = np.min_scalar_type(n_clusters - 1)
    both = torch.from_numpy(np.concatenate([labels[None], votes], dtype=np.int32))
    outputs = align(both, n_clusters)[1:]  # [M, k], the model's output for each final cluster
    names = outputs.argsort(1).numpy().astype(kind)
    return np.stack([names[m][one] for m, one in enumerate(votes)])


def most_disputed(aligned: np.ndarray, n_shown: int) -> np.ndarray:
    """Return the points whose votes are spread most evenly over most clusters, the most disputed first.

    Returns at most `n_shown` points, ordered by the entropy of their votes (a column of `aligned`
    [n_models, n]), ties by the lowest index. Points on which all models agree are left out.
    """
    entropy = np.zeros(aligned.shape[1])
    for votes in aligned:  # a loop over clusters could be much longer
        entropy -= np.log((aligned == votes).mean(0)) / len(aligned)
    order = np.argsort(-entropy.round(9), kind="stable")[:n_shown]
    return order[entropy[order] > 1e-9]
