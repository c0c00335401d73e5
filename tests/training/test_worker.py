"""Members resume from the states left over from killed runs, whatever stacks they were in."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kingdra_repro.bases import IMSATRPT, RIM, LadderIM
from kingdra_repro.training import worker
from kingdra_repro.training.checkpoint import Checkpoint
from kingdra_repro.training.options import TrainingOptions
from kingdra_repro.training.stack import StepDone
from kingdra_repro.training.supervised import PseudoLabels
from kingdra_repro.training.worker import Member, Task, Worker, members_of

N, D, K, N_MODELS = 40, 8, 4, 6
BASE = LadderIM(hidden=(16, 16))
OPTIONS = TrainingOptions(batch_size=20)
PSEUDO = PseudoLabels(np.arange(N) % K, np.tile(np.arange(K), (N_MODELS, 1)))
TOGETHER = [range(N_MODELS)]
DEALT = [range(0, N_MODELS, 2), range(1, N_MODELS, 2)]
Left = list[tuple[Sequence[range], int]]


@pytest.fixture(autouse=True)
def _stacks_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "WEIGHTS_PER_CPU_STACK", 3 * BASE.n_weights(D, K))


def workers(shares: Sequence[range], checkpoint: Checkpoint | None) -> list[Worker]:
    X = np.random.default_rng(0).random((N, D), dtype=np.float32)
    return [
        Worker(
            members := [Member(m, BASE, None) for m in share],
            Task(members, K, OPTIONS, 0, checkpoint),
            X,
            torch.device("cpu"),
        )
        for share in shares
    ]


def both_phases(one: Worker) -> torch.Tensor:
    one.train(range(4), None, ignore, 0)
    one.train(range(4, 6), PSEUDO, ignore, 1)
    proba = one.predict_proba(0, N)
    return torch.stack([proba[m] for m in range(N_MODELS)])


def ignore(step: StepDone) -> None:
    pass


@pytest.mark.parametrize(
    "left",
    [[(TOGETHER, 4)], [(DEALT, 4)], [(TOGETHER, 2), (DEALT, 4)], [(DEALT, 2), (TOGETHER, 3), (DEALT, 4)]],
    ids=["the same", "dealt out", "dealt out later", "dealt out twice"],
)
def test_the_second_phase_goes_on_from_the_end_of_the_first(left: Left, tmp_path: Path) -> None:
    """The first phase is done, by each set of workers in turn, but was not recorded before the kill."""
    checkpoint = Checkpoint(tmp_path, "a key")
    for shares, until_epoch in left:
        for one in workers(shares, checkpoint):
            one.train(range(until_epoch), None, ignore, 0)
    (resumed,) = workers(TOGETHER, checkpoint)
    (straight,) = workers(TOGETHER, None)
    assert len(straight.stacks) == 2
    torch.testing.assert_close(both_phases(resumed), both_phases(straight), atol=1e-5, rtol=0)


def test_a_member_goes_on_from_its_furthest_state(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, "a key")
    checkpoint.save("phase1/models_0", {0: {"epoch": 6}})
    checkpoint.save("phase1/models_0_1", {0: {"epoch": 8}, 1: {"epoch": 8}})
    checkpoint.save("phase1/models_2", {2: {"epoch": 9}})
    checkpoint.save("phase2/models_0_1", {0: {"epoch": 7}, 1: {"epoch": 9}})
    states = worker._latest_states(checkpoint, {0, 1}, phase_done=1)
    assert {member: state["epoch"] for member, state in states.items()} == {0: 8, 1: 9}


def test_the_learning_rate_falls_to_the_end_of_each_phase() -> None:
    member = Member(0, BASE, None)
    options = replace(OPTIONS, decay_epochs=3)
    X = np.random.default_rng(0).random((N, D), dtype=np.float32)
    one = Worker([member], Task([member], K, options, 0), X, torch.device("cpu"))
    rates = []
    for phase, epochs in enumerate((range(3), range(3, 5))):
        one.train(epochs, None, lambda step: rates.append(one.stacks[0].step.optimizer.learning_rate), phase)
    halves = [6, 5, 4, 3, 2, 1, 4, 3, 2, 1]  # an epoch has two steps
    np.testing.assert_allclose(rates, options.learning_rate * np.array(halves) / 6)


def test_members_of_a_kind_stand_together_each_with_the_radii_of_its_kind() -> None:
    X = np.random.default_rng(0).random((N, D), dtype=np.float32)
    near, far = (IMSATRPT(hidden=(5,), radius_scale=scale) for scale in (1.0, 3.0))
    members = members_of([near, BASE, far, near, BASE, far], X, torch.device("cpu"))
    assert [member.number for member in members] == [0, 3, 1, 4, 2, 5]
    assert [member.base for member in members] == [near, near, BASE, BASE, far, far]
    assert members[2].radii is members[3].radii is None
    for one, other in zip(members[:2], members[4:], strict=True):
        np.testing.assert_allclose(3 * one.radii, other.radii)


def test_more_members_than_a_file_s_name_takes(tmp_path: Path) -> None:
    """Save stacks of 84 and 6 members, as large as on a GPU, and resume them as two stacks of 45."""
    base, X = RIM(hidden=()), np.random.default_rng(0).random((N, D), dtype=np.float32)

    def trained(share: range, on_step: Callable[[StepDone], None]) -> dict[int, torch.Tensor]:
        members = [Member(m, base, None) for m in share]
        checkpoint = Checkpoint(tmp_path, "this run")
        one = Worker(members, Task(members, K, OPTIONS, 0, checkpoint), X, torch.device("cpu"))
        one.train(range(1), None, on_step, 0)
        return one.predict_proba(0, N)

    def never(step: StepDone) -> None:
        raise AssertionError("nothing was left to train")

    first = trained(range(90), ignore)
    for share in (range(0, 90, 2), range(1, 90, 2)):
        for m, proba in trained(share, never).items():
            torch.testing.assert_close(proba, first[m])
