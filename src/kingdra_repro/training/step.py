"""One training step of a stack: losses, backward pass, Adam; on a GPU replayed as one CUDA graph."""

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

# Ordinary training steps in which memory allocations, libraries and compiled kernels settle.
STEPS_BEFORE_CAPTURE = 3
# The number of shapes that PyTorch compiles one function for before it gives up. Its default of eight is too
# small for a sweep over k or for the data sets of a table, each with and without pseudo-labels.
COMPILED_SHAPES = 64
CHECKED_REPLAYS = 2  # the first has another batch than the recording, the second also other weights
# The tested versions of PyTorch, those that pyproject.toml allows, and whether compiled gradients were right.
# 2.11 mixes up the gradients of an autograd.Function that modifies in place what it returns (pytorch issue
# 180642). No function here does that any more, but "auto" still does not compile with 2.11.
COMPILES_RIGHT = {"2.10": True, "2.11": False, "2.12": True, "2.13": True, "2.14": True}

Losses = dict[str, Tensor]
_Shapes = tuple[torch.Size | bool, ...]  # shapes of a batch's tensors, and its ``every_output``
_Result = TypeVar("_Result")


def compiles_right(version: str = torch.__version__) -> bool:
    """Return whether a PyTorch version, such as "2.13.0+cpu", was tested and compiles right gradients."""
    return COMPILES_RIGHT.get(".".join(version.split(".")[:2]), False)


class TrainStep:
    """A callable that trains the network on one batch per call.

    On a GPU it takes longer to launch the kernels of a step one by one than to run them. So after a few steps
    with batches of one shape, the whole step is recorded as a CUDA graph, which later steps replay on a copy
    of the new batch. The computation is the same.

    Compiled and recorded steps are verified: in each phase of the training, and for each batch shape, the
    first ones are compared with the plain step, by their losses, gradients and, if recorded, weight updates.
    If one is wrong, or cannot be recorded, a warning is issued and the training continues without compilation
    or without recording.

    If the option ``compile`` asks for it, ``torch.compile`` fuses elementwise operations; if it fails, a
    warning is issued and they are not fused. The comparison allows for the ``precision`` of the products.
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
        # A recorded step sees changes of the learning rate only if it is a tensor on the GPU.
        rate: float | Tensor = options.learning_rate
        if on_gpu:
            rate = torch.tensor(options.learning_rate, device=next(network.parameters()).device)
        self.optimizer = Adam(network.parameters(), rate)

    def __call__(self, batch: Batch) -> Losses:
        """Train on a batch, and return each loss as a Tensor [M], which the next call may overwrite."""
        if not self._records:
            return self._train(batch)
        key = _shapes(batch)
        if key not in self._recorded:
            # One stream for all recordings: cuBLAS never frees the memory that it allocates for a stream.
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
        losses["loss"].sum().backward()  # the sum keeps the gradients of members independent
        self.optimizer.step()
        return {name: value.detach() for name, value in losses.items()}

    def _objective(self, batch: Batch) -> Callable[..., Losses]:
        """Return the compiled losses if they are verified for this batch shape, else the plain ones."""
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
        except (InputError, torch.OutOfMemoryError):  # not the compiler's fault
            raise
        except Exception as error:  # a missing or failing compiler must not stop the training
            reason = str(error).strip().splitlines()
            return f"failed ({reason[0] if reason else type(error).__name__})"
        plain = step_result(self._base.losses, self._network, batch)
        wrong = mismatch(fast, plain, self._precision)
        return None if wrong is None else f"of torch {torch.__version__} computes wrongly ({wrong})"

    def _checked(self, replay: Callable[[], Losses], batch: Batch) -> Losses:
        """Train by a replay that reads this batch; if it is wrong, undo it and stop recording."""
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
            self.optimizer.step()  # with the replay's gradients: a bit-identical update
            wrong = wrong_update(found, self._weights(), before)
        if wrong is None:
            return losses
        restore()
        return self._unrecorded(batch, f"a recorded step computes wrongly ({wrong})")

    def _weights(self) -> dict[str, Tensor]:
        return {name: p.detach().clone() for name, p in self._network.named_parameters()}

    def _unrecorded(self, batch: Batch, reason: str) -> Losses:
        """Train on this and all later batches without recording, and warn with the reason."""
        warnings.warn(f"{reason}; continuing without recording", RuntimeWarning, stacklevel=2)
        self._records = False
        self._recorded.clear()
        return self._train(batch)

    def free(self) -> None:
        """Free gradients and graphs, since other stacks are trained next."""
        self._recorded.clear()
        self._fused_checked.clear()
        self.optimizer.zero_grad()


class _CannotRecord(Exception):
    """A step could not be recorded as a CUDA graph."""


class _RecordedStep:
    """A step for batches of one shape: executed a few times, then recorded and replayed.

    All executions work on the same tensors, into which each batch is copied. So the recording can use what
    ``torch.compile`` compiled in the first steps; nothing may be compiled while recording.
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
        # No reference to self: a cycle would keep the graph's memory until the garbage collector runs, which
        # an allocator that is out of memory does not trigger.
        self._train = partial(train, self._batch)
        self._checked = checked
        self._stream = stream
        self._parameters = parameters
        self._steps = 0
        self._replay: Callable[[], Losses] | None = None

    def __call__(self, batch: Batch) -> Losses:
        if self._steps == STEPS_BEFORE_CAPTURE:
            # Record with the previous batch, so that the check finds a replay that keeps reading it.
            with torch.compiler.set_stance("eager_on_recompile"):
                self._replay = _record(self._train, self._stream, self._parameters)
        for static, tensor in zip(_tensors(self._batch), _tensors(batch), strict=True):
            static.copy_(tensor)
        self._steps += 1
        if self._replay is None:
            return _on_stream(self._train, self._stream)
        if self._steps <= STEPS_BEFORE_CAPTURE + CHECKED_REPLAYS:
            return self._checked(self._replay, batch)  # not the copy, which may be what is wrong
        return self._replay()


def _new_stream() -> torch.cuda.Stream:
    """Make a stream on the current GPU; PyTorch's capture stream is on the first GPU a process used."""
    return torch.cuda.Stream()


def _record(
    work: Callable[[], Losses], stream: torch.cuda.Stream, parameters: list[torch.nn.Parameter]
) -> Callable[[], Losses]:
    """Record a step, and return a function that launches all of its kernels at once.

    Raises
    ------
    _CannotRecord
        If an operation of the step cannot be captured, or memory runs out.
    """
    try:
        losses, launch = _capture(work, stream)
    except RuntimeError as error:  # from CUDA, or out of memory; the batch has not been trained on
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise _CannotRecord(f"a step cannot be recorded ({reason[0]})") from error
    gradients = [parameter.grad for parameter in parameters]

    def replay() -> Losses:
        launch()
        # The graph writes to these tensors; a step of another batch shape may have replaced them in ``grad``.
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        return losses

    return replay


def _capture(work: Callable[[], Losses], stream: torch.cuda.Stream) -> tuple[Losses, Callable[[], None]]:
    """Capture the kernels of ``work`` without running them; return the loss tensors and a launcher."""
    graph = torch.cuda.CUDAGraph()
    # Another thread may be moving streamed rows to the GPU.
    with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
        losses = work()
    return losses, graph.replay


def _on_stream(work: Callable[[], _Result], stream: torch.cuda.Stream) -> _Result:
    """Run ``work`` on a side stream, as PyTorch requires before a capture."""
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
    """Compile ``losses`` to fuse its elementwise operations, once for all batch sizes."""
    compiled = torch.compile(losses)

    def call(network: torch.nn.Module, batch: Batch) -> Losses:
        n_rows = batch.x.shape[1]
        for tensor in _tensors(batch):
            for axis in (i for i, size in enumerate(tensor.shape) if size == n_rows):
                torch._dynamo.maybe_mark_dynamic(tensor, axis)
        return compiled(network, batch)

    return call
