"""Settings of the CPU for training: the number of threads, and flushing denormal numbers to zero."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch

# Smaller models gain nothing from a second thread, and take several times as long if another program uses the
# core that the thread waits for. MNIST's networks of 1,200 units have 4.8 million weights.
WEIGHTS_FOR_THREADS = 1_000_000


def useful_threads(n_weights: int, device: torch.device) -> AbstractContextManager[None]:
    """Use one CPU thread for a model with few weights; the caller's number of threads is restored."""
    return threads(1 if device.type == "cpu" and n_weights < WEIGHTS_FOR_THREADS else None)


@contextmanager
def threads(number: int | None) -> Iterator[None]:
    """Use ``number`` CPU threads, or as many as before if it is None; the caller's number is restored."""
    before = torch.get_num_threads()
    if number is None or number == before:  # setting it again would restart OpenMP's threads
        yield
        return
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def flush_denormals() -> Iterator[None]:
    """Flush denormal numbers (below 1e-38), such as old moments of Adam, to 0; some CPUs are slow with them.

    The caller's setting is restored.
    """
    before = not (torch.tensor([1e-39]) * 1).item()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
