"""CUDA graphs emulated without a GPU: a capture computes nothing, a replay writes into its tensors."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from kingdra_repro.training import step as step_module
from kingdra_repro.training.gradient_check import saved_state

Losses = dict[str, Tensor]


def capture(work: Callable[[], Losses], stream: object) -> tuple[Losses, Callable[[], None]]:
    """Emulate `step._capture`."""
    step = work.func.__self__  # type: ignore[attr-defined]
    parameters = list(step._network.parameters())
    restore = saved_state(step._network, step.optimizer)
    losses = work()
    restore()
    gradients = {p: p.grad for p in parameters if p.grad is not None}
    for tensor in (*losses.values(), *gradients.values()):
        tensor.fill_(torch.nan)

    def launch() -> None:
        of_python = [p.grad for p in parameters]
        for name, value in work().items():
            losses[name].copy_(value)
        for p, gradient in gradients.items():
            assert p.grad is not None
            gradient.copy_(p.grad)
        for p, seen in zip(parameters, of_python, strict=True):
            p.grad = seen  # a replay does not change Python references

    return losses, launch


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Callable]:
    """Let steps be recorded without a GPU, and return a list that collects the recorded ones."""
    works: list[Callable] = []

    def noted(work, stream):
        works.append(work)
        return capture(work, stream)

    monkeypatch.setattr(step_module, "_capture", noted)
    monkeypatch.setattr(step_module, "_new_stream", object)
    monkeypatch.setattr(step_module, "_on_stream", lambda work, stream: work())
    return works
