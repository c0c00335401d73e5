"""Training a stack gives the same as training its members alone, and the same each time."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from kingdra_repro.bases import IMSATRPT, IMSATVAT, RIM, IMSATAffine, LadderDot, LadderIM
from kingdra_repro.errors import InputError
from kingdra_repro.methods import Ensemble
from kingdra_repro.methods.ensemble_fit import EnsembleFit
from kingdra_repro.training.options import TrainingOptions
from kingdra_repro.training.rows import Rows
from kingdra_repro.training.stack import Stack, StepDone, predict_proba, rows_at_once
from kingdra_repro.training.supervised import PseudoLabels
from kingdra_repro.training.worker import Member, Task, Worker

N, D, K = 320, 12, 4
CPU = torch.device("cpu")
BASES = [LadderIM(hidden=(24, 16)), LadderDot(hidden=(24, 16), last_layer_bn=True)]
PERCEPTRONS = [IMSATVAT(hidden=(24, 16)), IMSATRPT(hidden=(24,)), RIM(hidden=(24, 16)), RIM(hidden=())]
PICTURES = IMSATAffine(image_shape=(3, 4), channels=(4, 6), hidden=(8,))
NAMES = ["ladder_im", "ladder_dot", "imsat_vat", "imsat_rpt", "deep_rim", "linear_rim", "imsat_affine"]


@pytest.fixture(scope="module")
def X() -> np.ndarray:
    return np.random.default_rng(0).random((N, D), dtype=np.float32)


def make_stack(
    X,
    members: Sequence[int],
    base=BASES[0],
    precision: str = "float32",
    seed: int = 7,
    decay_epochs: float = 0,
) -> Stack:
    radii = base.radii(X, CPU)
    return Stack(
        base,
        Rows(X, CPU),
        K,
        tuple(members),
        TrainingOptions(batch_size=32, decay_epochs=decay_epochs, precision=precision),
        seed=seed,
        radii=None if radii is None else torch.from_numpy(radii),
    )


def pseudo_labels(n_models: int) -> PseudoLabels:
    labels = np.full(N, -1)
    labels[:40] = np.arange(40) % K
    return PseudoLabels(labels, np.stack([np.roll(np.arange(K), m) for m in range(n_models)]))


def trace(stack: Stack) -> np.ndarray:
    """Return the total loss of each member at 20 steps, half of them with pseudo-labels: [20, M]."""
    steps: list[np.ndarray] = []

    def keep(step: StepDone) -> None:
        steps.append(step.losses["loss"].numpy().copy())

    stack.train_epoch(None, keep)
    stack.train_epoch(pseudo_labels(8), keep)
    assert len(steps) == 20
    return np.stack(steps)


@pytest.mark.parametrize("base", [*BASES, *PERCEPTRONS, PICTURES], ids=NAMES)
def test_a_stack_of_four_trains_as_four_stacks_of_one(X: np.ndarray, base) -> None:
    together = trace(make_stack(X, [0, 1, 2, 3], base))
    alone = np.concatenate([trace(make_stack(X, [m], base)) for m in range(4)], axis=1)
    np.testing.assert_allclose(together, alone, rtol=1e-5)
    assert len(np.unique(together[0])) == 4  # four different models


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "base", [BASES[0], PERCEPTRONS[0], PICTURES], ids=["ladder_im", "imsat_vat", "imsat_affine"]
)
def test_same_seed_same_bits(X: np.ndarray, base, precision: str) -> None:
    first, second = (make_stack(X, [0, 1], base, precision) for _ in range(2))
    np.testing.assert_array_equal(trace(first), trace(second))
    first.end_phase(), second.end_phase()
    assert torch.equal(first.predict_proba(), second.predict_proba())
    assert not np.array_equal(trace(make_stack(X, [0, 1], base, precision, seed=8)), trace(first))


@pytest.mark.parametrize("base", [BASES[0], PERCEPTRONS[0]], ids=["ladder_im", "imsat_vat"])
def test_a_sparse_matrix_trains_as_the_dense_one(X: np.ndarray, base) -> None:
    X = np.where(X > 0.6, X, 0)
    dense, sparse = make_stack(X, [0], base), make_stack(sp.csr_matrix(X), [0], base)
    np.testing.assert_array_equal(trace(sparse), trace(dense))


@pytest.mark.parametrize("base", BASES, ids=["ladder_im", "ladder_dot"])
def test_moments_are_those_of_the_whole_set(X: np.ndarray, base, monkeypatch: pytest.MonkeyPatch) -> None:
    """With moments computed in chunks, the outputs are those of one clean pass over the whole set."""
    stack = make_stack(X, [0, 1], base)
    stack.train_epoch(None, lambda step: None)
    monkeypatch.setattr(stack, "_chunk_size", lambda: 50)
    stack.end_phase()
    streamed = stack.predict_proba()
    x = torch.from_numpy(X).expand(2, -1, -1)
    with torch.no_grad():
        whole = stack.network.encode(x, [], [torch.empty(2, 0, 1, 1)] * 4)[0].logits.softmax(-1)
    torch.testing.assert_close(streamed, whole, atol=2e-6, rtol=1e-4)


def test_a_point_alone_gets_the_answer_that_it_gets_among_others(X: np.ndarray) -> None:
    stack = make_stack(X, [0])
    stack.train_epoch(None, lambda step: None)
    stack.end_phase()
    among = stack.predict_proba()
    alone = torch.cat([predict_proba(stack.network, Rows(X[i : i + 1], CPU), 10) for i in range(20)], dim=1)
    torch.testing.assert_close(alone, among[:, :20], atol=1e-6, rtol=1e-5)


def test_training_lowers_the_loss(X: np.ndarray) -> None:
    stack = make_stack(X, [0, 1])
    stack.train_epoch(None, lambda step: None)
    first = stack.losses["loss"]
    for _ in range(5):
        stack.train_epoch(None, lambda step: None)
    assert (stack.losses["loss"] < 0.8 * first).all()


@pytest.mark.parametrize("base", [*BASES, *PERCEPTRONS, PICTURES], ids=NAMES)
def test_a_restored_stack_goes_on_as_if_never_stopped(X: np.ndarray, base) -> None:
    straight = make_stack(X, [0, 1], base)
    trace(straight)
    stopped = make_stack(X, [0, 1], base)
    stopped.train_epoch(None, lambda step: None)
    resumed = make_stack(X, [0, 1], base)
    resumed.load_member_states([state for _, state in stopped.member_states()])
    resumed.train_epoch(pseudo_labels(8), lambda step: None)
    for a, b in zip(straight.network.parameters(), resumed.network.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_learning_rate_falls_to_nothing_in_the_last_epochs_of_a_phase(X: np.ndarray) -> None:
    stack = make_stack(X, [0], BASES[0], decay_epochs=1.5)
    rates = []

    def note(step: StepDone) -> None:
        rates.append(stack.step.optimizer.learning_rate / stack.options.learning_rate)

    for epochs_left in (3, 2, 1):
        stack.train_epoch(None, note, epochs_left)
    begun = np.concatenate([epoch + np.arange(0, len(X), 32) / len(X) for epoch in range(3)])
    np.testing.assert_allclose(rates, np.minimum(1, (3 - begun) / 1.5))
    stack.train_epoch(None, note, 3)  # the next phase starts with the full rate
    assert rates[-1] == 1


def test_each_epoch_has_other_noise_and_with_pseudo_labels_another_order(
    X: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, losses = [], LadderIM.losses

    def watched(base, network, batch):
        seen.append(batch)
        return losses(base, network, batch)

    monkeypatch.setattr(LadderIM, "losses", watched)
    stack = make_stack(X, [0, 1])
    stack.options = replace(stack.options, order="file")
    stack.train_epoch(None, lambda step: None)
    stack.train_epoch(pseudo_labels(8), lambda step: None)
    first, second = (torch.cat([batch.x for batch in epoch], 1) for epoch in (seen[:10], seen[10:]))
    assert torch.equal(first, torch.from_numpy(X).expand(2, -1, -1))
    assert not torch.equal(second[0], second[1])
    assert not torch.equal(seen[10].x_sup[0], seen[10].x_sup[1])
    noise = [tuple(batch.noise[0][m, 0, 0].tolist()) for batch in seen for m in range(2)]
    assert len(set(noise)) == 40


def test_a_mixed_ensemble_gives_its_members_in_order(X: np.ndarray) -> None:
    ensemble = Ensemble(K, base=[*BASES, *BASES], n_models=4, batch_size=32, random_state=7, device="cpu")
    with closing(EnsembleFit(ensemble, X, epochs_total=1)) as mixed:
        trained = mixed.train(1, None)
    assert {"mi_clean", "dot_clean", "denoising"} < trained.losses.keys()
    proba = trained.outputs.proba()
    for m, base in enumerate([*BASES, *BASES]):
        alone = make_stack(X, [m], base)
        alone.train_epoch(None, lambda step: None)
        alone.end_phase()
        torch.testing.assert_close(proba[m : m + 1], alone.predict_proba(), atol=1e-5, rtol=1e-4)


@dataclass(frozen=True)
class OrdinaryModules(LadderIM):
    """A user's own base whose networks are separate modules, not a stack."""

    def build(self, n_features, n_clusters, generators, precision):
        return torch.nn.ModuleList(torch.nn.Linear(n_features, n_clusters) for _ in generators)


def test_a_network_that_is_no_stack_is_refused_before_it_is_trained(X: np.ndarray) -> None:
    told = r"OrdinaryModules.build must give tensors whose first axis is the model, \[2, ...\]; got 0.weight"
    with pytest.raises(InputError, match=told):
        make_stack(X, [0, 1], OrdinaryModules())


def test_a_network_gives_no_answer_before_its_moments_are_measured(X: np.ndarray) -> None:
    for base in (*BASES, PICTURES):
        assert make_stack(X, [0], base).predict_proba().isnan().all()


@dataclass(frozen=True)
class Quiet(LadderIM):
    """A base whose ``repr`` does not distinguish it from another."""

    loudness: float = field(default=1.0, repr=False)


def test_bases_that_look_alike_are_not_trained_as_one(X: np.ndarray) -> None:
    bases = [Quiet(hidden=(8,)), Quiet(hidden=(8,), loudness=2.0), Quiet(hidden=(8,))]
    members = [Member(number, base, None) for number, base in enumerate(bases)]
    worker = Worker(members, Task(members, K, TrainingOptions(batch_size=32), seed=7), X, CPU)
    assert [stack.members for stack in worker.stacks] == [(0, 2), (1,)]


@pytest.mark.parametrize(
    ("n_models", "d", "device", "n_rows"),
    [
        (1, 784, "cpu", 2048),
        (10, 784, "cpu", 256),
        (1, 2048, "cuda", 2**16),
        (10, 2048, "cuda", 6553),
        (1, 100_000, "cuda", 2684),  # a vocabulary: 1 GiB of dense rows
    ],
)
def test_a_stack_predicts_at_most_1_gib_of_rows_at_once(n_models, d, device, n_rows) -> None:
    assert rows_at_once(n_models, d, torch.device(device)) == n_rows
