"""Compare training on sparse text with the same data dense: ``python benchmarks/sparse_text.py``.

The data are random, with the size and density of 20news (18,846 x 2,000, 60 non-zeros a row). Reported are
seconds per epoch of one model for each base model, alternating sparse and dense, as medians of three.
"""

import statistics
import time

import numpy as np
import scipy.sparse as sp
import torch

from kingdra_repro.bases import Base, make_base
from kingdra_repro.training.options import TrainingOptions
from kingdra_repro.training.rows import Rows
from kingdra_repro.training.stack import Stack

N, D, K, NONZEROS = 18_846, 2_000, 20, 60
PART = 4_000  # rows that are trained on; the time is scaled to N
BATCHES = {"ladder_im": 64, "imsat_vat": 250, "deep_rim": 250, "linear_rim": 250}


def seconds(base: Base, X: np.ndarray | sp.csr_matrix, batch_size: int) -> float:
    cpu = torch.device("cpu")
    radii = torch.full((PART,), 0.2)
    options = TrainingOptions(batch_size=batch_size)
    stack = Stack(base, Rows(X, cpu), K, (0,), options, seed=0, radii=radii)
    stack.train_epoch(None, lambda step: None)
    start = time.perf_counter()
    stack.train_epoch(None, lambda step: None)
    return (time.perf_counter() - start) * N / PART


def main() -> None:
    sparse = sp.random(PART, D, NONZEROS / D, "csr", np.float32, np.random.default_rng(0))
    dense = sparse.toarray()
    print(f"torch {torch.__version__}, CPU, {torch.get_num_threads()} threads")
    print("base        batch   dense s   sparse s   sparse / dense")
    for name, batch_size in BATCHES.items():
        pairs = [[seconds(make_base(name), X, batch_size) for X in (dense, sparse)] for _ in range(3)]
        of_dense, of_sparse = (statistics.median(times) for times in zip(*pairs, strict=True))
        print(f"{name:<11} {batch_size:>5} {of_dense:>9.1f} {of_sparse:>10.1f} {of_sparse / of_dense:>16.2f}")


if __name__ == "__main__":
    main()
