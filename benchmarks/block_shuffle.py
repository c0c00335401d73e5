"""Effect of block-wise shuffling on accuracy: ``block_shuffle.py [SETTING ...] [seeds [epochs]]``.

Trains one Ladder-IM model (hidden layers of 128 and 128, batches of 64) on a data set with classes: in
memory, and streamed from a file of which a tenth is shuffled at a time, once with the rows in their own order
and once sorted by class, the worst order for a file. Default: digits, 5 seeds, 30 epochs;
``dataset=mnist mirror=FOLDER 3 5`` is MNIST with 3 seeds and 5 epochs. Prints the accuracy of each seed, then
mean and standard deviation.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from hydra.utils import instantiate

from kingdra_repro.bases import LadderIM
from kingdra_repro.config import all_settings
from kingdra_repro.data import load_custom
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.methods import Single


def main(words: list[str]) -> None:
    settings = [word for word in words if "=" in word]
    given = [int(word) for word in words if word.isdecimal()]
    seeds, epochs = given + [5, 30][len(given) :]
    data = instantiate(all_settings(settings).dataset)
    by_class = np.argsort(data.y, kind="stable")
    with tempfile.TemporaryDirectory() as place:
        file, sorted_file = Path(place) / "file.npy", Path(place) / "sorted.npy"
        np.save(file, data.X)
        np.save(sorted_file, data.X[by_class])
        tenth = len(data.y) // 10

        def streamed(path: Path):
            return load_custom(path, n_clusters=data.n_clusters, stream=True, buffer_rows=tenth).X

        kinds = {
            "in memory": (data.X, data.y),
            "a tenth at once": (streamed(file), data.y),
            "a tenth at once, sorted": (streamed(sorted_file), data.y[by_class]),
        }
        found: dict[str, list[float]] = {name: [] for name in kinds}
        for seed in range(seeds):
            for name, (X, y) in kinds.items():
                base = LadderIM(hidden=(128, 128))
                model = Single(data.n_clusters, base=base, epochs=epochs, random_state=seed).fit(X)
                found[name].append(clustering_accuracy(y, model.labels_))
                print(f"{name:<24} seed {seed}  {found[name][-1]:.3f}", flush=True)
        for name, accuracies in found.items():
            print(f"{name:<24} mean {np.mean(accuracies):.3f}, standard deviation {np.std(accuracies):.3f}")


if __name__ == "__main__":
    main(sys.argv[1:])
