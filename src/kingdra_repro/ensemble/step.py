"""One training step of a stack: losses, backward, Adam. On a GPU, replayed as one CUDA graph."""

import warnings
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from kingdra_repro.bases import Base, Batch

ADAM_EPSILON = 1e-7  # Keras's, which the public code uses
STEPS_BEFORE_CAPTURE = (
    3  # allocations, libraries and compiled kernels settle in these; they train as any other
)

Losses = dict[str, Tensor]


class TrainStep:
    """Calls to it train the network on one batch after the other.

    On a GPU the kernels of a step take less time than launching them one by one does. So after a few steps
    with batches of one shape, the whole step is recorded as a CUDA graph, which the next steps replay with
    the new batch copied in. What is computed is the same.

    Parameters
    ----------
    base, network : the base model and its stack
    learning_rate : float, of Adam
    compile : bool
        Whether elementwise operations are fused by ``torch.compile``; where that fails they are not, with a
        warning.

    Attributes
    ----------
    optimizer : torch.optim.Adam
    """

    def __init__(self, base: Base, network: torch.nn.Module, learning_rate: float, compile: bool) -> None:
        self._network = network
        self._on_gpu = next(network.parameters()).is_cuda
        self._losses = _compiled(base.losses) if compile else base.losses
        self._captured: dict[tuple, _CapturedStep] = {}
        self._calls: dict[tuple, int] = {}
        self.optimizer = torch.optim.Adam(
            network.parameters(), lr=learning_rate, eps=ADAM_EPSILON, fused=True, capturable=self._on_gpu
        )

    def __call__(self, batch: Batch, iteration: int) -> Losses:
        """Train on a batch; each loss as a Tensor [M], which the next call may overwrite."""
        if not self._on_gpu:
            return self._train(batch, iteration)
        key = (iteration, *(tensor.shape for tensor in _tensors(batch)))
        if key not in self._captured:
            self._calls[key] = self._calls.get(key, 0) + 1
            if self._calls[key] <= STEPS_BEFORE_CAPTURE:
                return _on_side_stream(lambda: self._train(batch, iteration))
            for old in [old for old in self._captured if old[0] != iteration]:
                del self._captured[old]  # its weights of the terms are of the past
            self._captured[key] = _CapturedStep(lambda static: self._train(static, iteration), batch)
        return self._captured[key](batch)

    def _train(self, batch: Batch, iteration: int) -> Losses:
        losses = self._losses(self._network, batch, iteration)
        self.optimizer.zero_grad()
        losses["loss"].sum().backward()  # the sum: no member's gradient sees another's loss
        self.optimizer.step()
        return {name: value.detach() for name, value in losses.items()}

    def free(self) -> None:
        """Let go of gradients and graphs: other stacks have their turn now."""
        self._captured.clear()
        self._calls.clear()
        self.optimizer.zero_grad()


class _CapturedStep:
    """A step recorded with the shapes of one batch."""

    def __init__(self, train: Callable[[Batch], Losses], example: Batch) -> None:
        self._batch = _map(example, torch.clone)
        self._replay = _record(lambda: train(self._batch))

    def __call__(self, batch: Batch) -> Losses:
        for static, tensor in zip(_tensors(self._batch), _tensors(batch), strict=True):
            static.copy_(tensor)
        return self._replay()


def _record(work: Callable[[], Losses]) -> Callable[[], Losses]:
    """The kernels that the work launches, as a function that launches them all again at once."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        losses = work()

    def replay() -> Losses:
        graph.replay()
        return losses

    return replay


def _on_side_stream(train: Callable[[], Losses]) -> Losses:
    """As PyTorch asks of the steps before a capture."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        losses = train()
    torch.cuda.current_stream().wait_stream(stream)
    return losses


def _tensors(batch: Batch) -> list[Tensor]:
    present = [value for field in fields(batch) if (value := getattr(batch, field.name)) is not None]
    return [tensor for value in present for tensor in (value if isinstance(value, list) else [value])]


def _map(batch: Batch, f: Callable[[Tensor], Tensor]) -> Batch:
    def mapped(value: Any) -> Any:
        return [f(t) for t in value] if isinstance(value, list) else value if value is None else f(value)

    return replace(batch, **{field.name: mapped(getattr(batch, field.name)) for field in fields(batch)})


def _compiled(losses: Callable[..., Losses]) -> Callable[..., Losses]:
    """``losses`` with its elementwise operations fused, one compilation for all batch sizes."""
    compiled = torch.compile(losses)
    working = True

    def call(network: torch.nn.Module, batch: Batch, iteration: int) -> Losses:
        nonlocal working
        if working:
            try:
                n_rows = batch.x.shape[1]
                for tensor in _tensors(batch):
                    for axis in (i for i, size in enumerate(tensor.shape) if size == n_rows):
                        torch._dynamo.maybe_mark_dynamic(tensor, axis)
                return compiled(network, batch, min(iteration, 1))
            except Exception as error:  # a compiler that is missing or fails must not stop a training
                working = False
                reason = str(error).strip().splitlines()
                warnings.warn(
                    f"torch.compile failed ({reason[0] if reason else type(error).__name__}); "
                    "going on without it",
                    RuntimeWarning,
                    stacklevel=2,
                )
        return losses(network, batch, iteration)

    return call
