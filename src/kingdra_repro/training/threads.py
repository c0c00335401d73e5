"""How many threads of the CPU work on one model."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Of a model. Smaller ones gain nothing from a second thread, and where another program wants the core that it
# waits for they take several times as long. MNIST's networks of 1,200 units have 4.8 million.
WEIGHTS_FOR_THREADS = 1_000_000


@contextmanager
def useful_threads(n_weights: int, device: torch.device) -> Iterator[None]:
    """Compute with one thread where a model of so many weights is small; the caller's number comes back."""
    before = torch.get_num_threads()
    if device.type != "cpu" or before == 1 or n_weights >= WEIGHTS_FOR_THREADS:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
