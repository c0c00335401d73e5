"""What all tests share."""

import pytest
import torch
from hypothesis import settings

from kingdra_repro.resolvers import register_resolvers

settings.register_profile("patient", deadline=None)  # a busy machine is not a wrong answer
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Networks as small as the tests' gain nothing from more, and threads wait where others compute."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _resolvers() -> None:
    """What the configs compute: the programs make it known."""
    register_resolvers()
