"""One training step of a stack: losses, backward, Adam. On a GPU, replayed as one CUDA graph."""

import warnings
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from kingdra_repro.bases import Base, Batch
from kingdra_repro.errors import InputError

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
        self._base, self._network = base, network
        self._on_gpu = next(network.parameters()).is_cuda
        self._fused = _fused(base.losses) if compile else None
        self._recorded: dict[tuple, _RecordedStep] = {}
        self._stream: torch.cuda.Stream | None = None
        # Of a recorded step it can be changed where it is a tensor on the GPU.
        rate: float | Tensor = learning_rate
        if self._on_gpu:
            rate = torch.tensor(learning_rate, device=next(network.parameters()).device)
        self.optimizer = torch.optim.Adam(
            network.parameters(), lr=rate, eps=ADAM_EPSILON, fused=True, capturable=self._on_gpu
        )

    def set_learning_rate(self, learning_rate: float) -> None:
        """Of the next steps."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(learning_rate)
            else:
                group["lr"] = learning_rate

    def __call__(self, batch: Batch) -> Losses:
        """Train on a batch; each loss as a Tensor [M], which the next call may overwrite."""
        if not self._on_gpu:
            return self._train(batch)
        key = tuple(tensor.shape for tensor in _tensors(batch))
        if key not in self._recorded:
            # One for all recordings: what cuBLAS takes for a stream it keeps for good.
            self._stream = self._stream or _new_stream()
            self._recorded[key] = _RecordedStep(self._train, batch, self._stream)
        return self._recorded[key](batch)

    def _train(self, batch: Batch) -> Losses:
        losses = self._gradients(batch)
        self.optimizer.step()
        return {name: value.detach() for name, value in losses.items()}

    def _gradients(self, batch: Batch) -> Losses:
        if self._fused is not None:
            try:
                return self._backward(self._fused, batch)
            except (InputError, torch.OutOfMemoryError):  # no fault of the compiler
                raise
            except Exception as error:  # a compiler that is missing or fails must not stop a training
                self._fused = None
                reason = str(error).strip().splitlines()
                warnings.warn(
                    f"torch.compile failed ({reason[0] if reason else type(error).__name__}); "
                    "going on without it",
                    RuntimeWarning,
                    stacklevel=2,
                )
        return self._backward(self._base.losses, batch)

    def _backward(self, objective: Callable[..., Losses], batch: Batch) -> Losses:
        losses = objective(self._network, batch)
        self.optimizer.zero_grad()
        losses["loss"].sum().backward()  # the sum: no member's gradient sees another's loss
        return losses

    def free(self) -> None:
        """Let go of gradients and graphs: other stacks have their turn now."""
        self._recorded.clear()
        self.optimizer.zero_grad()


class _RecordedStep:
    """A step for batches of one shape: a few times as it is, then recorded and replayed.

    All of them work on the same tensors, which each batch is copied into. What ``torch.compile`` made in the
    first steps holds for the recording, therefore; nothing may be compiled within it.
    """

    def __init__(self, train: Callable[[Batch], Losses], example: Batch, stream: torch.cuda.Stream) -> None:
        self._batch = _map(example, torch.clone)
        # Without a reference to itself: a graph's memory is given back when the step is let go of, not when
        # Python next looks for cycles, which an allocator that runs out of memory does not ask for.
        self._train = partial(train, self._batch)
        self._stream = stream
        self._steps = 0
        self._replay: Callable[[], Losses] | None = None

    def __call__(self, batch: Batch) -> Losses:
        for static, tensor in zip(_tensors(self._batch), _tensors(batch), strict=True):
            static.copy_(tensor)
        if self._steps < STEPS_BEFORE_CAPTURE:
            self._steps += 1
            return _on_stream(self._train, self._stream)
        if self._replay is None:
            with torch.compiler.set_stance("eager_on_recompile"):
                self._replay = _record(self._train, self._stream)
        return self._replay()


def _new_stream() -> torch.cuda.Stream:
    """On the current GPU: PyTorch's own stream for captures is on the first that a process used."""
    return torch.cuda.Stream()


def _record(work: Callable[[], Losses], stream: torch.cuda.Stream) -> Callable[[], Losses]:
    """The kernels that the work launches, as a function that launches them all again at once."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        losses = work()

    def replay() -> Losses:
        graph.replay()
        return losses

    return replay


def _on_stream(work: Callable[[], Losses], stream: torch.cuda.Stream) -> Losses:
    """As PyTorch asks of the steps before a capture."""
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        losses = work()
    torch.cuda.current_stream().wait_stream(stream)
    return losses


def _tensors(batch: Batch) -> list[Tensor]:
    present = [value for field in fields(batch) if (value := getattr(batch, field.name)) is not None]
    return [tensor for value in present for tensor in (value if isinstance(value, list) else [value])]


def _map(batch: Batch, f: Callable[[Tensor], Tensor]) -> Batch:
    def mapped(value: Any) -> Any:
        return [f(t) for t in value] if isinstance(value, list) else value if value is None else f(value)

    return replace(batch, **{field.name: mapped(getattr(batch, field.name)) for field in fields(batch)})


def _fused(losses: Callable[..., Losses]) -> Callable[..., Losses]:
    """``losses`` with its elementwise operations fused, one compilation for all batch sizes."""
    compiled = torch.compile(losses)

    def call(network: torch.nn.Module, batch: Batch) -> Losses:
        n_rows = batch.x.shape[1]
        for tensor in _tensors(batch):
            for axis in (i for i, size in enumerate(tensor.shape) if size == n_rows):
                torch._dynamo.maybe_mark_dynamic(tensor, axis)
        return compiled(network, batch)

    return call
