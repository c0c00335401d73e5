"""How the CPU trains: with how many threads a model, and what it makes of numbers that fade out."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch

# Of a model. Smaller ones gain nothing from a second thread, and where another program wants the core that it
# waits for they take several times as long. MNIST's networks of 1,200 units have 4.8 million.
WEIGHTS_FOR_THREADS = 1_000_000


def useful_threads(n_weights: int, device: torch.device) -> AbstractContextManager[None]:
    """Compute with one thread where a model of so many weights is small; the caller's number comes back."""
    return threads(1 if device.type == "cpu" and n_weights < WEIGHTS_FOR_THREADS else None)


@contextmanager
def threads(number: int | None) -> Iterator[None]:
    """Compute with so many threads of the CPU; None: as many as before. The caller's number comes back."""
    before = torch.get_num_threads()
    if number is None or number == before:  # to set it again would cost OpenMP's threads
        yield
        return
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def fading_numbers_are_zero() -> Iterator[None]:
    """Take numbers below 1e-38 for 0, such as old moments of Adam, which some CPUs compute with slowly.

    The caller's setting comes back.
    """
    before = not (torch.tensor([1e-39]) * 1).item()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
