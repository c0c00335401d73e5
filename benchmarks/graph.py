"""Time and memory of finding mini-clusters: ``python benchmarks/graph.py [n ...] [k=K] [cuda] [short]``.

Default: n = 10,000, 70,000 and 1,000,000. `short`: only the usual thresholds, as for n = 1,000,000.
`k=1000`: only the usual thresholds, with 1,000 classes and one repeat.
Each row runs in its own process, so that its peak memory (predictions and torch included) is not affected by
other rows. On a GPU, which counts its memory itself, and with `short`, all rows run in one process, because
each start would take seconds. If other programs use the machine, read the CPU seconds and set
OMP_NUM_THREADS=1 (threads that wait for each other count as busy).
"""

import multiprocessing
import resource
import statistics
import sys
import time

import torch

from kingdra_repro.pseudo_labels import mini_clusters

REPEATS = 3
# n_models, n_clusters, thresholds t_pos
ENSEMBLES = ((10, 10, (10, 9, 8, 6, 4, 2)), (20, 100, (20, 16)))
# From this n on: only the usual thresholds, and only models that are mostly right.
LARGE = 1_000_000


def predict(n: int, n_models: int, n_clusters: int, right: float, device: str) -> torch.Tensor:
    """Draw predictions: each model is right about a point with probability `right`, otherwise random."""
    generator = torch.Generator().manual_seed(0)
    truth = torch.randint(n_clusters, (n,), generator=generator)
    predictions = torch.empty(n_models, n, dtype=torch.long, device=device)
    for m in range(n_models):
        noise = torch.randint(n_clusters, (n,), generator=generator)
        predictions[m] = torch.where(torch.rand(n, generator=generator) < right, truth, noise)
    return predictions


def measure(
    n: int, n_models: int, n_clusters: int, t_pos: int, prune: str, right: float, device: str, repeats: int
) -> str:
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    predictions = predict(n, n_models, n_clusters, right, device)
    t_neg = n_models if prune == "chosen" else n_models - 1
    seconds, busy = [], []
    for _ in range(repeats):
        start, start_busy = time.perf_counter(), time.process_time()
        labels = mini_clusters(predictions, n_clusters, t_pos, t_neg, prune=prune)
        labelled = int((labels >= 0).sum())
        seconds.append(time.perf_counter() - start)
        busy.append(time.process_time() - start_busy)
    if device == "cuda":
        memory = torch.cuda.max_memory_allocated() / 2**30
    else:
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    data = "random" if right == 0 else f"{right:.0%} right"
    return (
        f"{n:>10,} {n_models:>3} {n_clusters:>4} {t_pos:>5}  {prune:<8} {data:<10} "
        f"{statistics.median(seconds):>8.3f} {statistics.median(busy):>8.3f} {memory:>9.2f} {labelled:>11,}"
    )


def main() -> None:
    device = "cuda" if "cuda" in sys.argv else "cpu"
    sizes = [int(word) for word in sys.argv[1:] if word.isdecimal()] or [10_000, 70_000, LARGE]
    (many,) = [int(word[2:]) for word in sys.argv[1:] if word.startswith("k=")] or [None]
    repeats = 1 if many else REPEATS
    print(f"torch {torch.__version__}, {device}, {torch.get_num_threads()} threads, median of {repeats}")
    print(
        "         n   M    k t_pos  prune    data        seconds      cpu  peak GiB    labelled", flush=True
    )
    for n in sizes:
        few = "short" in sys.argv or n >= LARGE or many
        for n_models, n_clusters, thresholds in ((10, many or 10, (10, 9)),) if few else ENSEMBLES:
            for right in (0.95,) if few else (0.0, 0.95):
                for t_pos in thresholds:
                    for prune in ("chosen", "members"):
                        case = (n, n_models, n_clusters, t_pos, prune, right, device, repeats)
                        if device == "cuda" or "short" in sys.argv:
                            print(measure(*case), flush=True)
                            continue
                        with multiprocessing.get_context("spawn").Pool(1) as process:
                            print(process.apply(measure, case), flush=True)


if __name__ == "__main__":
    main()
