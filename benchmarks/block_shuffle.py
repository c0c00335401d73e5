"""What shuffling by blocks does to accuracy: ``block_shuffle.py [mirror=FOLDER] [seeds] [dataset=NAME]``.

One Ladder-IM model (hidden layers of 128 and 128, five epochs in batches of 256) on MNIST, in memory and
from a file of which a tenth is shuffled at once: as the file lies, and sorted by class, which is the worst
order that a file can have. Prints the accuracy for each seed.
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
    seeds = next((int(word) for word in words if word.isdecimal()), 3)
    if not any(word.startswith("dataset=") for word in settings):
        settings.append("dataset=mnist")
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
        for seed in range(seeds):
            for name, (X, y) in kinds.items():
                base = LadderIM(hidden=(128, 128))
                model = Single(data.n_clusters, base=base, epochs=5, batch_size=256, random_state=seed).fit(X)
                print(f"{name:<24} seed {seed}  {clustering_accuracy(y, model.labels_):.3f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
