"""Random streams: one for each (member, purpose, epoch), so that no random state needs to be stored.

A member's numbers do not depend on the size of the ensemble, on its stack, or on interruptions of the run.
Weights and orders are drawn on the CPU, noise on the device that uses it, so that a GPU draws other noise.
PyTorch's CPU generator uses only 32 bits of a seed: in about one of a thousand long runs, two of the few
thousand streams are the same.
"""

from enum import IntEnum

import numpy as np
import torch


class Purpose(IntEnum):
    """The purpose of a stream. Its number is part of the meaning of a seed: never reuse one."""

    WEIGHTS = 0
    NOISE = 1
    ORDER = 2
    SUPERVISED = 3
    FIRST_MODELS = 4  # the seed of kingdra_plus's models with more outputs
    LINKED = 5
    BLOCKS = 6  # the order of file blocks in training on streamed data
    KEPT = 7  # which labelled points of streamed data are in memory in an epoch
    GIVEN_LABELS = 10
    KMEANS = 11  # 11 and above: the methods that the paper compares with
    CLASSIFIER = 12


def _sequence(seed: int, *key: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(entropy=seed, spawn_key=key)


def numpy_stream(
    seed: int, member: int, purpose: Purpose, epoch: int = 0, part: int = 0
) -> np.random.Generator:
    """Make the NumPy generator of a member for a purpose, an epoch and a part of the epoch."""
    key = (member, int(purpose), epoch)
    return np.random.default_rng(_sequence(seed, *key, part) if part else _sequence(seed, *key))


def torch_stream(
    seed: int, member: int, purpose: Purpose, epoch: int = 0, device: torch.device | str = "cpu"
) -> torch.Generator:
    """Make the torch generator of a member for a purpose and an epoch."""
    state = int(_sequence(seed, member, int(purpose), epoch).generate_state(1, np.uint64)[0] >> np.uint64(1))
    return torch.Generator(device=device).manual_seed(state)
