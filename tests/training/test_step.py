"""A recorded or compiled step trains like a plain one."""

import gc
import warnings
import weakref
from collections.abc import Callable

import numpy as np
import pytest
import torch

from kingdra_repro.bases import IMSATRPT, IMSATVAT, RIM, Base, IMSATAffine, Ladder, LadderDot, LadderIM
from kingdra_repro.training import step as step_module
from kingdra_repro.training.options import TrainingOptions
from kingdra_repro.training.rows import Rows
from kingdra_repro.training.stack import Stack
from kingdra_repro.training.supervised import PseudoLabels
from tests.training.conftest import capture

N, D, K, M = 330, 12, 4, 3  # batch_size=32 gives batches of 33, all of one size
BASES: dict[str, Base] = {
    "ladder_im": LadderIM(hidden=(24, 16), w_mi_later=0.3),
    "ladder_dot": LadderDot(hidden=(24, 16), last_layer_bn=True),
    "imsat_vat": IMSATVAT(hidden=(24, 16)),
}
ALL_BASES: dict[str, Base] = {
    **BASES,
    "imsat_rpt": IMSATRPT(hidden=(24, 16)),
    "deep_rim": RIM(hidden=(24, 16)),
    "linear_rim": RIM(hidden=()),
    "imsat_affine": IMSATAffine(image_shape=(3, 4), channels=(4, 6), hidden=(8,)),
    "ladder": Ladder(hidden=(24, 16), denoising_costs=(1000.0, 10.0, 0.1, 0.1)),
}
# Tracing takes seconds per layer, and one hidden layer is enough.
TRACED: dict[str, Base] = {"ladder_im": LadderIM(hidden=(24,)), "imsat_vat": IMSATVAT(hidden=(24,))}
# Each base without and with labels; ladder learns only from labels.
CASES = [(name, labels) for name in ALL_BASES for labels in (False, True) if labels or name != "ladder"]
# Largest relative difference between fast and plain steps of the same precision: gradients and losses.
ROUNDING = {"float32": 1e-3, "tf32": 1e-2, "bfloat16": 5e-2}
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


@pytest.fixture(scope="module")
def X() -> np.ndarray:
    return np.random.default_rng(0).random((N, D), dtype=np.float32)


def stack(X: np.ndarray, base: Base, device: str = "cpu", rows: int = N, **settings) -> Stack:
    radii = torch.full((rows,), 0.1, device=device)
    options = TrainingOptions(**{"batch_size": 32, "compile": False, **settings})
    members = tuple(range(M))
    return Stack(base, Rows(X[:rows], torch.device(device)), K, members, options, seed=0, radii=radii)


def trace(one: Stack) -> np.ndarray:
    """Return the losses of all steps of four epochs, the last three with pseudo-labels: [steps, M]."""
    found: list[np.ndarray] = []
    for labels in (None, *[pseudo_labels(one)] * 3):
        one.train_epoch(labels, lambda s: found.append(s.losses["loss"].cpu().numpy().copy()))
    return np.stack(found)


def pseudo_labels(one: Stack) -> PseudoLabels:
    n = np.arange(one.rows.n)
    return PseudoLabels(np.where(n < 40, n % K, -1), np.tile(np.arange(K), (M, 1)))


def first_steps(one: Stack, labels: bool) -> tuple[list[dict[str, torch.Tensor]], np.ndarray]:
    """Return the gradient of every parameter at each of the first five steps, and their losses [5, M]."""
    gradients: list[dict[str, torch.Tensor]] = []
    losses: list[np.ndarray] = []

    def keep(step) -> None:
        named = one.network.named_parameters()
        gradients.append({name: p.grad.cpu().clone() for name, p in named if p.grad is not None})
        losses.append(step.losses["loss"].cpu().numpy().copy())

    one.train_epoch(pseudo_labels(one) if labels else None, keep)
    return gradients[:5], np.stack(losses[:5])


def assert_trains_alike(fast: Stack, plain: Stack, labels: bool, first_fast_step: int = 0) -> None:
    """Compare gradients of every parameter at the first fast step, and losses at the first five steps."""
    allowed = ROUNDING[plain.options.precision]
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # a fast step that fails or is wrong warns
        gradients, losses = first_steps(fast, labels)
    all_expected, expected_losses = first_steps(plain, labels)
    found, expected = gradients[first_fast_step], all_expected[first_fast_step]
    together = torch.stack([g.norm() for g in expected.values()]).norm()
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        error = (found[name] - gradient).norm()
        assert error <= allowed * (gradient.norm() + 1e-4 * together), name
    np.testing.assert_allclose(losses, expected_losses, rtol=allowed)


@pytest.mark.parametrize("name", BASES)
@pytest.mark.parametrize("rows", [330, 325])  # 325: batches of two sizes, so two recordings
def test_a_recorded_step_trains_as_any_other(
    X: np.ndarray, name: str, rows: int, recorded: list[Callable]
) -> None:
    expected = trace(stack(X, BASES[name], rows=rows))
    one = stack(X, BASES[name], rows=rows)
    one.step._records = True
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        np.testing.assert_array_equal(trace(one), expected)
    assert len(recorded) == 2 * (1 if rows == 330 else 2)  # without and with labels, for each batch size


def test_a_phase_lets_go_of_what_it_recorded(
    X: np.ndarray, recorded: list[Callable], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recording holds GPU memory, and out-of-memory errors do not wait for the cyclic garbage collector."""
    made: list[weakref.ref] = []
    whole = step_module._RecordedStep.__init__

    def watched(self, *arguments):
        made.append(weakref.ref(self))
        whole(self, *arguments)

    monkeypatch.setattr(step_module._RecordedStep, "__init__", watched)
    streams: list[object] = []
    monkeypatch.setattr(step_module, "_new_stream", lambda: streams.append(object()) or streams[-1])
    one = stack(X, BASES["ladder_im"])
    one.step._records = True
    gc.disable()
    try:
        for phase in (1, 2):
            trace(one)
            one.end_phase()
            recorded.clear()  # the test's own references to what was recorded
            assert len(made) == 2 * phase
            assert [ref() for ref in made] == [None] * len(made)
        assert len(streams) == 1
    finally:
        gc.enable()


def test_nothing_is_compiled_within_a_recording(
    X: np.ndarray, recorded: list[Callable], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiling would abort a capture, and code compiled before must be what is recorded."""
    compiled, ran = 0, 0

    def backend(graph, inputs):
        nonlocal compiled
        compiled += 1

        def call(*arguments):
            nonlocal ran
            ran += 1
            return graph.forward(*arguments)

        return call

    within: list[tuple[int, int]] = []

    def counted(work, stream):
        before = compiled, ran
        captured = capture(work, stream)
        within.append((compiled - before[0], ran - before[1]))
        return captured

    whole = torch.compile
    monkeypatch.setattr(torch, "compile", lambda losses: whole(losses, backend=backend))
    monkeypatch.setattr(step_module, "_capture", counted)
    torch._dynamo.reset()
    one = stack(X, TRACED["ladder_im"], rows=325, compile=True)
    one.step._records = True
    trace(one)
    assert len(within) == 4
    assert all(new == 0 and old > 0 for new, old in within)


@pytest.mark.parametrize(("name", "labels"), [("ladder_im", True), ("imsat_vat", False)])
def test_gradients_of_a_traced_step_are_those_of_any_other(
    X: np.ndarray, name: str, labels: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Test all of torch.compile except the kernels; in PyTorch 2.11, gradients got mixed up here."""
    whole = torch.compile
    monkeypatch.setattr(torch, "compile", lambda losses: whole(losses, backend="aot_eager"))
    torch._dynamo.reset()
    assert_trains_alike(stack(X, TRACED[name], compile=True), stack(X, TRACED[name]), labels)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(("name", "labels"), CASES)
def test_a_compiled_step_trains_as_any_other(X: np.ndarray, name: str, labels: bool, precision: str) -> None:
    torch._dynamo.reset()
    plain, compiled = (stack(X, ALL_BASES[name], precision=precision, compile=c) for c in (False, True))
    assert_trains_alike(compiled, plain, labels)


def test_a_compiler_that_fails_is_reported_and_done_without(
    X: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(losses):
        def call(*arguments):
            raise RuntimeError("no compiler")

        return call

    monkeypatch.setattr(torch, "compile", broken)
    one = stack(X, BASES["ladder_im"], compile=True)
    with pytest.warns(RuntimeWarning, match="no compiler"):
        losses = trace(one)
    np.testing.assert_array_equal(losses, trace(stack(X, BASES["ladder_im"])))


@gpu
@pytest.mark.parametrize("name", BASES)
@pytest.mark.parametrize("rows", [330, 325])
def test_a_cuda_graph_trains_as_single_launches_do(
    X: np.ndarray, name: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stack(X, BASES[name], "cuda", rows, decay_epochs=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # a wrong graph warns and is not used
        graphs = trace(one)
    assert one.step._records
    monkeypatch.setattr(step_module, "STEPS_BEFORE_CAPTURE", 10**9)
    launches = trace(stack(X, BASES[name], "cuda", rows, decay_epochs=1.0))
    np.testing.assert_allclose(graphs, launches, rtol=1e-5)


@gpu
@pytest.mark.parametrize("name", ["ladder_im", "imsat_affine"])
def test_a_restored_stack_goes_on_on_a_gpu(X: np.ndarray, name: str) -> None:
    straight, stopped, resumed = (stack(X, ALL_BASES[name], "cuda") for _ in range(3))
    trace(straight)
    stopped.train_epoch(None, lambda step: None)
    resumed.load_member_states([state for _, state in stopped.member_states()])
    for _ in range(3):
        resumed.train_epoch(pseudo_labels(resumed), lambda step: None)
    for a, b in zip(straight.network.parameters(), resumed.network.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


@gpu
def test_phases_on_a_gpu_need_no_more_memory_than_the_first(X: np.ndarray) -> None:
    one = stack(X, BASES["ladder_im"], "cuda")
    used = []
    gc.disable()
    try:
        for _ in range(4):
            trace(one)
            one.end_phase()
            torch.cuda.empty_cache()  # the pool of a deleted graph stays reserved until then
            used.append(torch.cuda.memory_reserved())
    finally:
        gc.enable()
    assert one.step._records
    assert used[3] == used[1]


@gpu
@pytest.mark.parametrize("precision", ROUNDING)
@pytest.mark.parametrize(("name", "labels"), CASES)
def test_a_cuda_graph_has_the_gradients_of_single_launches(
    X: np.ndarray, name: str, labels: bool, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast, plain = (stack(X, ALL_BASES[name], "cuda", precision=precision) for _ in range(2))
    plain.step._records = False
    monkeypatch.setattr(step_module, "STEPS_BEFORE_CAPTURE", 1)
    assert_trains_alike(fast, plain, labels, first_fast_step=1)


@gpu
@pytest.mark.parametrize("precision", ROUNDING)
@pytest.mark.parametrize(("name", "labels"), [("ladder_im", True), ("imsat_vat", False)])
def test_compiled_on_a_gpu(X: np.ndarray, name: str, labels: bool, precision: str) -> None:
    """`scripts/losses.py` compiles the other bases."""
    torch._dynamo.reset()
    plain, compiled = (stack(X, BASES[name], "cuda", precision=precision, compile=c) for c in (False, True))
    plain.step._records = False
    assert_trains_alike(compiled, plain, labels)


@gpu
def test_a_gpu_s_losses_are_a_cpu_s(X: np.ndarray) -> None:
    """Compare one step with the same weights and the same noise."""
    base = BASES["ladder_im"]
    cpu, cuda = stack(X, base), stack(X, base, "cuda")
    found = {}
    for one in (cpu, cuda):
        streams = [torch.Generator().manual_seed(m) for m in range(M)]
        noise = [layer.to(one.rows.device) for layer in cpu.network.sample_noise(1, 32, streams)]
        x = one.rows[torch.arange(32, device=one.rows.device).expand(M, -1)]
        batch = step_module.Batch(x, noise)
        found[one] = {name: value.cpu() for name, value in base.losses(one.network, batch).items()}
    for name, value in found[cpu].items():
        torch.testing.assert_close(found[cuda][name], value, rtol=1e-4, atol=1e-5)
