"""Hypothesis profile and fixtures that all tests share."""

import pytest
import torch
from hypothesis import settings

from kingdra_repro.resolvers import register_resolvers

settings.register_profile("patient", deadline=None)  # a slow test on a busy machine is not a failure
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Use one thread: small networks gain nothing from more, and threads would wait on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _resolvers() -> None:
    """Register the resolvers that the configs use, as the programs do."""
    register_resolvers()
