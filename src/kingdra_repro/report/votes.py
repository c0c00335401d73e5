"""votes.npz: what each model of an ensemble answered, for whoever looks at the graph of their agreement."""

from pathlib import Path

import numpy as np

from kingdra_repro.atomic import write_whole

SAMPLED = 1_000  # points of which the answers after every phase are kept


class Votes:
    """The models' answers after each phase, kept over the parts of an interrupted run.

    Parameters
    ----------
    folder : Path
        Where they lie while the run goes on.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def add(self, index: int, model_labels: np.ndarray) -> None:
        """Keep the answers [n_models, n] after phase `index`, in place of earlier ones after that phase.

        All of those of the first phase and of the last so far, n_models * n bytes up to 256 clusters; of the
        others those for the sample.
        """
        self.folder.mkdir(exist_ok=True)
        small = model_labels.astype(np.min_scalar_type(int(model_labels.max())))
        kept = {str(index): small[:, _sample(small.shape[1])], "last": small}
        if index == 0:
            kept["first"] = small
        for name, votes in kept.items():
            write_whole(self.folder / f"{name}.npy", lambda file, votes=votes: np.save(file, votes))  # type: ignore[misc]

    def write(self, path: Path) -> None:
        """Write the finished run's ``votes.npz``; nothing where the method has no ensemble.

        ``first``, ``last`` : uint8 (or uint16) [n_models, n], after the first phase and after the last
        ``sample`` : int64 [s], at most 1,000 points; the same whenever a set of n points is clustered
        ``sampled`` : [n_phases, n_models, s], the answers for these after each phase
        """
        phases = sorted(self.folder.glob("[0-9]*.npy"), key=lambda file: int(file.stem))
        if not phases:
            return
        first, last = (np.load(self.folder / f"{name}.npy", allow_pickle=False) for name in ("first", "last"))
        sampled = np.stack([np.load(file, allow_pickle=False) for file in phases])
        arrays = {"first": first, "last": last, "sample": _sample(first.shape[1]), "sampled": sampled}
        write_whole(path, lambda file: np.savez_compressed(file, **arrays))


def _sample(n: int) -> np.ndarray:
    return np.sort(np.random.default_rng(0).choice(n, min(SAMPLED, n), replace=False))
