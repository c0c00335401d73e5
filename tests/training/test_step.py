"""A step that is recorded, or compiled, trains as one that is not."""

import gc
import warnings
import weakref
from collections.abc import Callable

import numpy as np
import pytest
import torch

from kingdra_repro.bases import Base, LadderDot, LadderIM, make_base
from kingdra_repro.training import step as step_module
from kingdra_repro.training.rows import Rows
from kingdra_repro.training.stack import PseudoLabels, Stack

N, D, K, M = 330, 12, 4, 3  # batches of 33: and, of 32 asked for, all of one size
BASES: dict[str, Base] = {
    "ladder_im": LadderIM(hidden=(24, 16), w_mi_later=0.3),
    "ladder_dot": LadderDot(hidden=(24, 16), last_layer_bn=True),
    "imsat_vat": make_base("imsat_vat"),
}
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


@pytest.fixture(scope="module")
def X() -> np.ndarray:
    return np.random.default_rng(0).random((N, D), dtype=np.float32)


def stack(X: np.ndarray, base: Base, device: str = "cpu", rows: int = N, **settings) -> Stack:
    radii = torch.full((rows,), 0.1, device=device)
    given = {"batch_size": 32, "learning_rate": 0.002, "order": "epoch", "precision": "float32", "seed": 0}
    members = tuple(range(M))
    return Stack(base, Rows(X[:rows], torch.device(device)), K, members, radii=radii, **{**given, **settings})


def trace(one: Stack) -> np.ndarray:
    """The losses of all steps of four epochs, the later three with pseudo-labels: [steps, M]."""
    found: list[np.ndarray] = []
    n = one.rows.n
    pseudo = PseudoLabels(np.where(np.arange(n) < 40, np.arange(n) % K, -1), np.tile(np.arange(K), (M, 1)))
    for labels in (None, pseudo, pseudo, pseudo):
        one.train_epoch(labels, lambda s: found.append(s.losses["loss"].cpu().numpy().copy()))
    return np.stack(found)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Callable]:
    """Steps are recorded without a GPU: what is, is simply done again, on the batch that was copied in."""
    works: list[Callable] = []

    def record(work, stream):
        works.append(work)
        return work

    monkeypatch.setattr(step_module, "_record", record)
    monkeypatch.setattr(step_module, "_new_stream", object)
    monkeypatch.setattr(step_module, "_on_stream", lambda work, stream: work())
    return works


@pytest.mark.parametrize("name", BASES)
@pytest.mark.parametrize("rows", [330, 325])  # 325: batches of two sizes, so two recordings
def test_a_recorded_step_trains_as_any_other(
    X: np.ndarray, name: str, rows: int, recorded: list[Callable]
) -> None:
    expected = trace(stack(X, BASES[name], rows=rows))
    one = stack(X, BASES[name], rows=rows)
    one.step._on_gpu = True
    np.testing.assert_array_equal(trace(one), expected)
    assert len(recorded) == 2 * (1 if rows == 330 else 2)  # without and with labels, for each size of batch


def test_a_phase_lets_go_of_what_it_recorded(
    X: np.ndarray, recorded: list[Callable], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recording holds a GPU's memory, and no out-of-memory error waits for Python's collector of cycles."""
    made: list[weakref.ref] = []
    whole = step_module._RecordedStep.__init__

    def watched(self, *arguments):
        made.append(weakref.ref(self))
        whole(self, *arguments)

    monkeypatch.setattr(step_module._RecordedStep, "__init__", watched)
    streams: list[object] = []
    monkeypatch.setattr(step_module, "_new_stream", lambda: streams.append(object()) or streams[-1])
    one = stack(X, BASES["ladder_im"])
    one.step._on_gpu = True
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


@pytest.mark.parametrize("name", BASES)
def test_nothing_is_compiled_within_a_recording(
    X: np.ndarray, name: str, recorded: list[Callable], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A capture breaks off there; and what was compiled before must be what is recorded."""
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

    def record(work, stream):
        before = compiled, ran
        work()
        within.append((compiled - before[0], ran - before[1]))
        return work

    whole = torch.compile
    monkeypatch.setattr(torch, "compile", lambda losses: whole(losses, backend=backend))
    monkeypatch.setattr(step_module, "_record", record)
    torch._dynamo.reset()
    one = stack(X, BASES[name], rows=325, compile=True)
    one.step._on_gpu = True
    losses = trace(one)
    np.testing.assert_allclose(losses[0], trace(stack(X, BASES[name], rows=325))[0], rtol=1e-5)
    assert len(within) == 4
    assert all(new == 0 and old > 0 for new, old in within)


@pytest.mark.slow
def test_a_compiled_step_trains_as_any_other(X: np.ndarray) -> None:
    plain, compiled = (stack(X, BASES["ladder_im"], compile=c) for c in (False, True))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # a compilation that fails warns
        losses = trace(compiled)
    expected = trace(plain)
    np.testing.assert_allclose(losses[0], expected[0], rtol=1e-6)
    # Adam's first steps have one length whatever the gradient's, so that rounding grows from step to step.
    np.testing.assert_allclose(losses[:5], expected[:5], rtol=1e-3)
    np.testing.assert_allclose(losses, expected, rtol=2e-2)


def test_a_compiler_that_fails_is_told_and_done_without(
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
    graphs = trace(stack(X, BASES[name], "cuda", rows))
    monkeypatch.setattr(step_module, "STEPS_BEFORE_CAPTURE", 10**9)
    launches = trace(stack(X, BASES[name], "cuda", rows))
    np.testing.assert_allclose(graphs, launches, rtol=1e-5)


@gpu
def test_phases_on_a_gpu_need_no_more_memory_than_the_first(X: np.ndarray) -> None:
    one = stack(X, BASES["ladder_im"], "cuda")
    used = []
    gc.disable()
    try:
        for _ in range(4):
            trace(one)
            one.end_phase()
            torch.cuda.empty_cache()  # the pool of a graph that is gone stays reserved until then
            used.append(torch.cuda.memory_reserved())
    finally:
        gc.enable()
    assert used[3] == used[1]


@gpu
def test_compiled_on_a_gpu(X: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        compiled = trace(stack(X, BASES["ladder_im"], "cuda", compile=True))
    plain = trace(stack(X, BASES["ladder_im"], "cuda"))
    np.testing.assert_allclose(compiled[0], plain[0], rtol=1e-5)
    np.testing.assert_allclose(compiled[:5], plain[:5], rtol=1e-3)


@gpu
def test_a_gpu_s_losses_are_a_cpu_s(X: np.ndarray) -> None:
    """One step from equal weights on equal noise."""
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
