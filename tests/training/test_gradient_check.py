"""A fast step that computes wrongly is detected before it trains, and plain steps are used instead."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from kingdra_repro.bases import LadderIM
from kingdra_repro.training import step as step_module
from kingdra_repro.training.gradient_check import StepResult, mismatch
from kingdra_repro.training.options import TrainingOptions
from kingdra_repro.training.rows import Rows
from kingdra_repro.training.stack import Stack
from kingdra_repro.training.supervised import PseudoLabels

N, D, K, M = 99, 12, 4, 2  # three batches of 33 an epoch
PSEUDO = PseudoLabels(np.where(np.arange(N) < 40, np.arange(N) % K, -1), np.tile(np.arange(K), (M, 1)))


def stack(**settings) -> Stack:
    X = np.random.default_rng(0).random((N, D), dtype=np.float32)
    options = TrainingOptions(batch_size=33, **settings)
    return Stack(LadderIM(hidden=(24, 16)), Rows(X, torch.device("cpu")), K, (0, 1), options, seed=0)


def trained(one: Stack) -> list[np.ndarray]:
    """Train three epochs without and three with labels; return losses, weights and Adam's state."""
    losses: list[np.ndarray] = []
    for pseudo in (None, PSEUDO):
        for _ in range(3):
            one.train_epoch(pseudo, lambda s: losses.append(s.losses["loss"].numpy().copy()))
        one.end_phase()
    adam = [value for state in one.step.optimizer.state.values() for value in state.values()]
    return [*losses, *(tensor.detach().numpy() for tensor in (*one.network.parameters(), *adam))]


def assert_equal(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def plain() -> list[np.ndarray]:
    return trained(stack())


def compiler(derivative: Callable[[Tensor], Tensor] | None) -> Callable:
    """Return a fake torch.compile with right losses that adds ``derivative`` to the gradient of a weight."""

    def compile(losses: Callable) -> Callable:
        def call(network, batch):
            found = losses(network, batch)
            if derivative is None:
                return found
            weight = network.encoder[1].sum((1, 2))
            weight.register_hook(derivative)
            return {**found, "loss": found["loss"] + (weight - weight.detach())}

        return call

    return compile


@pytest.mark.parametrize("derivative", [torch.ones_like, lambda g: g * torch.nan], ids=["wrong", "NaN"])
def test_a_compiler_with_right_losses_and_wrong_gradients_is_reported_and_done_without(
    derivative: Callable[[Tensor], Tensor], plain: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "compile", compiler(derivative))
    with pytest.warns(RuntimeWarning, match="torch.compile") as told:
        found = trained(stack(compile=True))
    assert len(told) == 1
    assert "the gradient of encoder.1 is" in str(told[0].message)
    assert_equal(found, plain)


def test_a_compiler_that_computes_rightly_is_used_and_the_check_changes_nothing(
    plain: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "compile", compiler(None))
    one = stack(compile=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_equal(trained(one), plain)
    assert one.step._fused is not None


def with_values(tensors: list[Tensor], values: list[Tensor], work: Callable) -> Callable:
    """Return ``work`` on ``values``; it then restores the inputs, and adds only its update to the weights."""

    def replay():
        now = [tensor.detach().clone() for tensor in tensors]
        with torch.no_grad():
            for tensor, value in zip(tensors, values, strict=True):
                tensor.copy_(value)
        losses = work()
        with torch.no_grad():
            for tensor, value, kept in zip(tensors, values, now, strict=True):
                if tensor.requires_grad:
                    tensor.add_(kept - value)
                else:
                    tensor.copy_(kept)
        return losses

    return replay


def with_rate(one: Stack, factor: float, work: Callable) -> Callable:
    """Return ``work`` at another learning rate."""

    def replay():
        optimizer = one.step.optimizer
        rate = optimizer.learning_rate
        optimizer.learning_rate = rate * factor
        losses = work()
        optimizer.learning_rate = rate
        return losses

    return replay


NAMED = {
    "inputs": "the gradient of",
    "weights": "the gradient of",
    "NaN": "the loss",
    "no update": "the update of",
    "another rate": "the update of",
}


@pytest.mark.parametrize("what", NAMED)
def test_a_replay_that_computes_with_old_values_is_reported_and_undone(
    what: str, plain: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stack()

    def record(work, stream, parameters):
        if what in ("no update", "another rate"):
            return with_rate(one, 0.0 if what == "no update" else 1.1, work)
        if what == "NaN":
            return lambda: {name: value * torch.nan for name, value in work().items()}
        inputs = step_module._tensors(work.args[0])
        tensors = inputs if what == "inputs" else list(one.network.parameters())
        return with_values(tensors, [tensor.detach().clone() for tensor in tensors], work)

    monkeypatch.setattr(step_module, "_record", record)
    monkeypatch.setattr(step_module, "_new_stream", object)
    monkeypatch.setattr(step_module, "_on_stream", lambda work, stream: work())
    one.step._records = True
    with pytest.warns(RuntimeWarning, match="a recorded step computes wrongly") as told:
        found = trained(one)
    assert len(told) == 1
    assert NAMED[what] in str(told[0].message)
    assert_equal(found, plain)


def test_a_step_that_cannot_be_recorded_is_trained_all_the_same(
    plain: list[np.ndarray], recorded: list[Callable], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(work, stream):
        raise RuntimeError("operation not permitted when stream is capturing\nand more")

    monkeypatch.setattr(step_module, "_capture", refused)
    one = stack()
    one.step._records = True
    with pytest.warns(
        RuntimeWarning, match=r"cannot be recorded \(operation not permitted .* capturing\)"
    ) as told:
        assert_equal(trained(one), plain)
    assert len(told) == 1


@pytest.mark.parametrize(
    ("gradient", "expected"),
    [
        ([1.0, 1e-7], None),  # rounding
        ([1.0, torch.nan], "the gradient of b is not finite"),
        ([1.2, 0.0], "the gradient of a is off by 20%"),
        ([0.0, 0.0], "the gradient of a is off by 100%"),
    ],
)
def test_what_rounding_does_not_explain_is_named(gradient: list[float], expected: str | None) -> None:
    def result(a: float, b: float) -> StepResult:
        return StepResult({"loss": torch.ones(M)}, {"a": torch.full((M, 3), a), "b": torch.full((M, 3), b)})

    assert mismatch(result(*gradient), result(1.0, 0.0), "float32") == expected


def test_a_training_that_has_diverged_is_no_fault_of_the_fast_way() -> None:
    nan = StepResult({"loss": torch.full((M,), torch.nan)}, {"a": torch.full((M, 3), torch.inf)})
    finite = StepResult({"loss": torch.ones(M)}, {"a": torch.ones(M, 3)})
    assert mismatch(nan, nan, "float32") is None
    assert mismatch(nan, finite, "float32") == "the gradient of a is not finite"
