"""Steps after each phase at ImageNet's size: ``python benchmarks/many_clusters.py [n] [k] [right]``.

CPU seconds of each step for ten models' predictions. By default there are n = 1,280,000 points and k = 1,000
clusters, and each model, with its own numbering of the clusters, is right about 80% of the points. Set
OMP_NUM_THREADS=1 if other programs use the machine.
"""

import sys
import time

import torch

from kingdra_repro.pseudo_labels import align, mini_clusters
from kingdra_repro.pseudo_labels.matching import agreement, map_to_outputs

N_MODELS = 10


def answers(n: int, k: int, right: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw classes [n] and the models' predictions of them: int16 [N_MODELS, n]."""
    generator = torch.Generator().manual_seed(0)
    classes = torch.randint(k, (n,), generator=generator)
    predictions = torch.empty(N_MODELS, n, dtype=torch.int16)
    for of_model in predictions:
        names = torch.randperm(k, generator=generator)
        other = torch.randint(k, (n,), generator=generator)
        of_model[:] = torch.where(torch.rand(n, generator=generator) < right, names[classes], other)
    return classes, predictions


def main(n: int = 1_280_000, k: int = 1_000, right: float = 0.8) -> None:
    classes, predictions = answers(n, k, right)
    for name, work in {
        "mini-clusters (all models)": lambda: mini_clusters(predictions, k),
        "outputs aligned (Hungarian)": lambda: align(predictions, k),
        "agreement": lambda: agreement(predictions, k),
        "mini-clusters mapped to outputs (Hungarian)": lambda: map_to_outputs(
            classes, predictions, k, "one_to_one"
        ),
    }.items():
        began = time.process_time()
        work()
        print(f"{name:<45} {time.process_time() - began:6.1f} s", flush=True)


if __name__ == "__main__":
    n, k, right = (sys.argv[1:] + ["1280000", "1000", "0.8"][len(sys.argv) - 1 :])[:3]
    main(int(n), int(k), float(right))
