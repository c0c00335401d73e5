"""One training step of a stack: losses, backward, Adam. On a GPU, replayed as one CUDA graph."""

import warnings
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor

from kingdra_repro.bases import Base, Batch
from kingdra_repro.errors import InputError
from kingdra_repro.training.adam import Adam
from kingdra_repro.training.gradient_check import StepResult, mismatch, saved_state, step_result, wrong_update
from kingdra_repro.training.options import TrainingOptions

# Allocations, libraries and compiled kernels settle in these; they train as any other.
STEPS_BEFORE_CAPTURE = 3
# Shapes that one function is compiled for before PyTorch gives up compiling it: eight, unless set otherwise,
# are fewer than a sweep over k or the data sets of a table need, each with pseudo-labels and without.
COMPILED_SHAPES = 64
CHECKED_REPLAYS = 2  # the first has another batch than was recorded, the second other weights, too
# The versions of PyTorch that this was tried with, those that pyproject.toml allows, and whether compiled
# gradients were right. 2.11 mixes up those of a hand-written function that changes in place what it returns
# (pytorch issue 180642). None here does any more; but it is not chosen by itself.
COMPILES_RIGHT = {"2.10": True, "2.11": False, "2.12": True, "2.13": True, "2.14": True}

Losses = dict[str, Tensor]
_Shapes = tuple[torch.Size | bool, ...]  # of the tensors of a batch, and its ``every_output``
_Result = TypeVar("_Result")


def compiles_right(version: str = torch.__version__) -> bool:
    """Whether compiled gradients were tried with a version of PyTorch, such as "2.13.0+cpu", and right."""
    return COMPILES_RIGHT.get(".".join(version.split(".")[:2]), False)


class TrainStep:
    """Calls to it train the network on one batch after the other.

    On a GPU the kernels of a step take less time than launching them one by one does. So after a few steps
    with batches of one shape, the whole step is recorded as a CUDA graph, which the next steps replay with
    the new batch copied in. What is computed is the same.

    Neither a compiled nor a recorded step is trusted unseen: in each phase of the training, and for each
    shape of batch, the first is compared with the plain one: losses, gradients and, of a recorded one, what
    it makes of the weights. Where it is wrong, or cannot be recorded, a warning says so, and the training
    goes on as if there had been no other way than the plain one.

    Where the option ``compile`` asks for it, elementwise operations are fused by ``torch.compile``; where
    that fails they are not, with a warning. The comparison allows for the ``precision`` of the products.
    """

    def __init__(self, base: Base, network: torch.nn.Module, options: TrainingOptions) -> None:
        self._base, self._network, self._precision = base, network, options.precision
        on_gpu = next(network.parameters()).is_cuda
        compile = on_gpu and compiles_right() if options.compile == "auto" else options.compile
        self._fused = _fused(base.losses) if compile else None
        self._fused_checked: set[_Shapes] = set()
        self._records = on_gpu
        self._recorded: dict[_Shapes, _RecordedStep] = {}
        self._stream: torch.cuda.Stream | None = None
        # Of a recorded step it can be changed where it is a tensor on the GPU.
        rate: float | Tensor = options.learning_rate
        if on_gpu:
            rate = torch.tensor(options.learning_rate, device=next(network.parameters()).device)
        self.optimizer = Adam(network.parameters(), rate)

    def __call__(self, batch: Batch) -> Losses:
        """Train on a batch; each loss as a Tensor [M], which the next call may overwrite."""
        if not self._records:
            return self._train(batch)
        key = _shapes(batch)
        if key not in self._recorded:
            # One for all recordings: what cuBLAS takes for a stream it keeps for good.
            self._stream = self._stream or _new_stream()
            parameters = list(self._network.parameters())
            self._recorded[key] = _RecordedStep(self._train, self._checked, batch, self._stream, parameters)
        try:
            return self._recorded[key](batch)
        except _CannotRecord as error:
            return self._unrecorded(batch, str(error))

    def _train(self, batch: Batch) -> Losses:
        losses = self._objective(batch)(self._network, batch)
        self.optimizer.zero_grad()
        losses["loss"].sum().backward()  # the sum: no member's gradient sees another's loss
        self.optimizer.step()
        return {name: value.detach() for name, value in losses.items()}

    def _objective(self, batch: Batch) -> Callable[..., Losses]:
        """Return the compiled losses, once they and their gradients are found right for such batches."""
        key = _shapes(batch)
        if self._fused is not None and key not in self._fused_checked:
            self._fused_checked.add(key)
            with torch._dynamo.config.patch(recompile_limit=COMPILED_SHAPES):
                fault = self._fault(self._fused, batch)
            if fault is not None:
                self._fused = None
                warnings.warn(f"torch.compile {fault}; continuing without it", RuntimeWarning, stacklevel=2)
        return self._base.losses if self._fused is None else self._fused

    def _fault(self, fused: Callable[..., Losses], batch: Batch) -> str | None:
        try:
            fast = step_result(fused, self._network, batch)
        except (InputError, torch.OutOfMemoryError):  # no fault of the compiler
            raise
        except Exception as error:  # a compiler that is missing or fails must not stop a training
            reason = str(error).strip().splitlines()
            return f"failed ({reason[0] if reason else type(error).__name__})"
        plain = step_result(self._base.losses, self._network, batch)
        wrong = mismatch(fast, plain, self._precision)
        return None if wrong is None else f"of torch {torch.__version__} computes wrongly ({wrong})"

    def _checked(self, replay: Callable[[], Losses], batch: Batch) -> Losses:
        """Train by a replay that reads this batch; where that is wrong, undo it, and record no more."""
        assert self._stream is not None
        plain = _on_stream(partial(step_result, self._base.losses, self._network, batch), self._stream)
        restore = saved_state(self._network, self.optimizer)
        before = self._weights()
        losses = replay()
        parameters = self._network.named_parameters()
        gradients = {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in parameters}
        wrong = mismatch(StepResult(losses, gradients), plain, self._precision)
        if wrong is None:
            found = self._weights()
            restore()
            self.optimizer.step()  # with the gradients of the replay: the same update, to the bit
            wrong = wrong_update(found, self._weights(), before)
        if wrong is None:
            return losses
        restore()
        return self._unrecorded(batch, f"a recorded step computes wrongly ({wrong})")

    def _weights(self) -> dict[str, Tensor]:
        return {name: p.detach().clone() for name, p in self._network.named_parameters()}

    def _unrecorded(self, batch: Batch, reason: str) -> Losses:
        """Train on this batch and all others without recordings, and say why."""
        warnings.warn(f"{reason}; continuing without recording", RuntimeWarning, stacklevel=2)
        self._records = False
        self._recorded.clear()
        return self._train(batch)

    def free(self) -> None:
        """Let go of gradients and graphs: other stacks have their turn now."""
        self._recorded.clear()
        self._fused_checked.clear()
        self.optimizer.zero_grad()


class _CannotRecord(Exception):
    """A step could not be recorded as a CUDA graph."""


class _RecordedStep:
    """A step for batches of one shape: a few times as it is, then recorded and replayed.

    All of them work on the same tensors, which each batch is copied into. What ``torch.compile`` made in the
    first steps holds for the recording, therefore; nothing may be compiled within it.
    """

    def __init__(
        self,
        train: Callable[[Batch], Losses],
        checked: Callable[[Callable[[], Losses], Batch], Losses],
        example: Batch,
        stream: torch.cuda.Stream,
        parameters: list[torch.nn.Parameter],
    ) -> None:
        self._batch = _map(example, torch.clone)
        # Without a reference to itself: a graph's memory is given back when the step is let go of, not when
        # Python next looks for cycles, which an allocator that runs out of memory does not ask for.
        self._train = partial(train, self._batch)
        self._checked = checked
        self._stream = stream
        self._parameters = parameters
        self._steps = 0
        self._replay: Callable[[], Losses] | None = None

    def __call__(self, batch: Batch) -> Losses:
        if self._steps == STEPS_BEFORE_CAPTURE:
            # With the batch before this one: a replay that went on reading that would be found out.
            with torch.compiler.set_stance("eager_on_recompile"):
                self._replay = _record(self._train, self._stream, self._parameters)
        for static, tensor in zip(_tensors(self._batch), _tensors(batch), strict=True):
            static.copy_(tensor)
        self._steps += 1
        if self._replay is None:
            return _on_stream(self._train, self._stream)
        if self._steps <= STEPS_BEFORE_CAPTURE + CHECKED_REPLAYS:
            return self._checked(self._replay, batch)  # not the copy: it may be what is wrong
        return self._replay()


def _new_stream() -> torch.cuda.Stream:
    """On the current GPU: PyTorch's own stream for captures is on the first that a process used."""
    return torch.cuda.Stream()


def _record(
    work: Callable[[], Losses], stream: torch.cuda.Stream, parameters: list[torch.nn.Parameter]
) -> Callable[[], Losses]:
    """Return a step as a function that launches all of its kernels again at once.

    Raises
    ------
    _CannotRecord
        Where something within the step cannot be captured, or there is no memory for it.
    """
    try:
        losses, launch = _capture(work, stream)
    except RuntimeError as error:  # of CUDA, or no memory; the batch has not been trained on
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise _CannotRecord(f"a step cannot be recorded ({reason[0]})") from error
    gradients = [parameter.grad for parameter in parameters]

    def replay() -> Losses:
        launch()
        # It writes to these; since then a batch of another shape may have put others there.
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        return losses

    return replay


def _capture(work: Callable[[], Losses], stream: torch.cuda.Stream) -> tuple[Losses, Callable[[], None]]:
    """Let work say what it launches, without doing it: tensors of the losses, and a function that does it."""
    graph = torch.cuda.CUDAGraph()
    # Another thread may bring streamed rows to the GPU in the meantime.
    with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
        losses = work()
    return losses, graph.replay


def _on_stream(work: Callable[[], _Result], stream: torch.cuda.Stream) -> _Result:
    """As PyTorch asks of the steps before a capture."""
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        result = work()
    torch.cuda.current_stream().wait_stream(stream)
    return result


def _shapes(batch: Batch) -> _Shapes:
    return (batch.every_output, *(tensor.shape for tensor in _tensors(batch)))


def _tensors(batch: Batch) -> list[Tensor]:
    values = [getattr(batch, field.name) for field in fields(batch)]
    listed = [tensor for value in values for tensor in (value if isinstance(value, list) else [value])]
    return [tensor for tensor in listed if isinstance(tensor, Tensor)]


def _map(batch: Batch, f: Callable[[Tensor], Tensor]) -> Batch:
    def mapped(value: Any) -> Any:
        if isinstance(value, list):
            return [f(tensor) for tensor in value]
        return f(value) if isinstance(value, Tensor) else value

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
