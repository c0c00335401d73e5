"""Random streams: one for each (member, purpose, epoch), so that nothing random needs to be stored.

A member draws the same numbers whatever the ensemble's size, the stack it is in, and whether the run was
interrupted. Weights and orders are drawn on the CPU; noise where it is used, so that a GPU's differs.
PyTorch's generator on a CPU takes 32 bits of a seed: once in a thousand long runs or so, two of its few
thousand streams are the same.
"""

from enum import IntEnum

import numpy as np
import torch


class Purpose(IntEnum):
    """What a stream is for. The numbers are part of what a seed means: never reuse one."""

    WEIGHTS = 0
    NOISE = 1
    ORDER = 2
    SUPERVISED = 3
    FIRST_MODELS = 4  # the seed of kingdra_plus' models with more outputs
    LINKED = 5
    BLOCKS = 6  # of data that are read from a file in training
    KEPT = 7  # which of their labelled points are at hand in an epoch
    GIVEN_LABELS = 10
    KMEANS = 11  # 11 and above: the methods that the paper compares with
    CLASSIFIER = 12


def _sequence(seed: int, *key: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(entropy=seed, spawn_key=key)


def numpy_stream(
    seed: int, member: int, purpose: Purpose, epoch: int = 0, part: int = 0
) -> np.random.Generator:
    """Make the NumPy stream of a member for a purpose, in an epoch's first part or in a later one."""
    key = (member, int(purpose), epoch)
    return np.random.default_rng(_sequence(seed, *key, part) if part else _sequence(seed, *key))


def torch_stream(
    seed: int, member: int, purpose: Purpose, epoch: int = 0, device: torch.device | str = "cpu"
) -> torch.Generator:
    """Make the torch stream of a member for a purpose."""
    state = int(_sequence(seed, member, int(purpose), epoch).generate_state(1, np.uint64)[0] >> np.uint64(1))
    return torch.Generator(device=device).manual_seed(state)
