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
        Where they lie while the run goes on: a file a phase, n_models * n bytes up to 256 clusters.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def add(self, index: int, model_labels: np.ndarray) -> None:
        """Keep the answers [n_models, n] after phase `index`, in place of earlier ones after that phase."""
        self.folder.mkdir(exist_ok=True)
        small = model_labels.astype(np.min_scalar_type(int(model_labels.max())))
        write_whole(self.folder / f"{index}.npy", lambda file: np.save(file, small))

    def write(self, path: Path) -> None:
        """Write the finished run's ``votes.npz``; nothing where the method has no ensemble.

        ``first``, ``last`` : uint8 (or uint16) [n_models, n], after the first phase and after the last
        ``sample`` : int64 [s], at most 1,000 points; the same whenever a set of n points is clustered
        ``sampled`` : [n_phases, n_models, s], the answers for these after each phase
        """
        files = sorted(self.folder.glob("*.npy"), key=lambda file: int(file.stem))
        if not files:
            return
        phases = [np.load(file, mmap_mode="r", allow_pickle=False) for file in files]
        n = phases[0].shape[1]
        sample = np.sort(np.random.default_rng(0).choice(n, min(SAMPLED, n), replace=False))
        arrays = {
            "first": phases[0],
            "last": phases[-1],
            "sample": sample,
            "sampled": np.stack([votes[:, sample] for votes in phases]),
        }
        write_whole(path, lambda file: np.savez_compressed(file, **arrays))
