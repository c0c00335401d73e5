"""Algorithm 2: checkpoints and resuming, and fits in which k mini-clusters cannot be found."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs

from kingdra_repro import Kingdra
from kingdra_repro.bases import LadderIM
from kingdra_repro.errors import InputError
from kingdra_repro.pseudo_labels import GraphPseudoLabels, MiniClusters
from kingdra_repro.training.batches import batch_slices
from kingdra_repro.training.checkpoint import SHARE_AT_ENDS
from kingdra_repro.training.stack import Stack
from kingdra_repro.training.supervised import PseudoLabels
from tests.methods.conftest import KillAt, Killed, assert_same_history

BASE = LadderIM(hidden=(16,), denoising_costs=(10.0, 1.0, 0.1))


@pytest.fixture(scope="module")
def X() -> np.ndarray:
    X, _ = make_blobs(300, n_features=8, centers=4, cluster_std=0.7, random_state=0)
    return ((X - X.min(0)) / (X.max(0) - X.min(0))).astype(np.float32)


def kingdra(**settings) -> Kingdra:
    defaults = {"n_models": 4, "n_iter": 4, "first_epochs": 8, "epochs": 2, "batch_size": 32}
    return Kingdra(4, base=BASE, **{"random_state": 0, "device": "cpu", **defaults, **settings})


@pytest.fixture(scope="module")
def straight(X: np.ndarray) -> Kingdra:
    """Return a fit that is never killed."""
    return kingdra().fit(X)


@pytest.mark.parametrize("kill", [{"step": 20}, {"step": 110}, {"phase": 2}])
def test_a_killed_fit_ends_as_one_never_killed(
    X: np.ndarray, straight: Kingdra, tmp_path: Path, kill: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kingdra_repro.training.worker.SHARE_WITHIN_PHASES", float("inf"))
    with pytest.raises(Killed):
        kingdra(checkpoint_dir=tmp_path, monitor=KillAt(**kill)).fit(X)
    monitor = KillAt()
    resumed = kingdra(checkpoint_dir=tmp_path, monitor=monitor).fit(X)
    np.testing.assert_array_equal(resumed.labels_, straight.labels_)
    np.testing.assert_array_equal(resumed.predict_proba(X), straight.predict_proba(X))
    assert_same_history(resumed, straight)
    assert monitor.notified[-1] == 4


def test_stacks_that_wait_for_their_turn_lie_on_disk(
    X: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kingdra_repro.training.worker.WEIGHTS_PER_CPU_STACK", 1)  # one model per stack
    offloaded = []
    offload = Stack.offload
    monkeypatch.setattr(Stack, "offload", lambda stack: (offloaded.append(stack.members), offload(stack)))
    in_memory, on_disk = kingdra().fit(X), kingdra(checkpoint_dir=tmp_path).fit(X)
    assert offloaded == [(m,) for m in range(4)] * 5
    np.testing.assert_array_equal(on_disk.predict_proba(X), in_memory.predict_proba(X))


def test_a_finished_fit_is_taken_up_as_it_is(X: np.ndarray, tmp_path: Path) -> None:
    first = kingdra(checkpoint_dir=tmp_path).fit(X)
    again = kingdra(checkpoint_dir=tmp_path, monitor=KillAt(step=1)).fit(X)  # one step would kill it
    np.testing.assert_array_equal(again.labels_, first.labels_)
    assert again.history_.equals(first.history_)


def test_more_iterations_go_on_from_fewer(
    X: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kingdra_repro.training.worker.WEIGHTS_PER_CPU_STACK", 1)  # one model per stack
    kingdra(checkpoint_dir=tmp_path, n_iter=2).fit(X)
    monitor = KillAt()
    longer = kingdra(checkpoint_dir=tmp_path, n_iter=4, monitor=monitor).fit(X)
    np.testing.assert_array_equal(longer.labels_, kingdra(n_iter=4).fit(X).labels_)
    done_before = 4 * (8 + 2 * 2)  # summed over all models
    assert done_before < monitor.done[0] < done_before + 1
    assert monitor.done[-1] == 4 * (8 + 4 * 2)


def test_a_fit_without_a_seed_is_resumed_with_the_one_it_drew(X: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        kingdra(checkpoint_dir=tmp_path, monitor=KillAt(phase=1), random_state=None).fit(X)
    first, second = (kingdra(checkpoint_dir=tmp_path, random_state=None).fit(X) for _ in range(2))
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


def test_a_checkpoint_of_other_data_is_refused(X: np.ndarray, tmp_path: Path) -> None:
    kingdra(checkpoint_dir=tmp_path, n_iter=1).fit(X)
    with pytest.raises(InputError, match="belongs to other settings or data"):
        kingdra(checkpoint_dir=tmp_path, n_iter=1).fit(X[:-1])
    with pytest.raises(InputError, match="belongs to other settings or data"):
        kingdra(checkpoint_dir=tmp_path, n_iter=1, learning_rate=0.001).fit(X)


def test_without_mini_clusters_it_trains_on_without_labels(X: np.ndarray) -> None:
    """No model reaches this confidence, so no point can ever start a mini-cluster."""
    model = kingdra(pseudo_labels=GraphPseudoLabels(confidence=0.999999)).fit(X)
    assert set(model.history_["rule"]) == {"unsupervised"}
    assert (model.history_["n_pseudo_labels"] == 0).all()
    assert "supervised" not in model.history_
    assert len(np.unique(model.labels_)) > 1


def test_a_set_that_was_complete_is_kept_where_a_later_one_is_not(
    X: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    find = GraphPseudoLabels.of_predictions

    def fail_later(self, predictions, confidence, k):
        calls.append(len(calls))
        return find(
            self if len(calls) < 3 else GraphPseudoLabels(confidence=0.999999), predictions, confidence, k
        )

    monkeypatch.setattr(GraphPseudoLabels, "of_predictions", fail_later)
    model = kingdra().fit(X)
    assert model.history_["rule"].tolist()[1:] == [model.history_["rule"][1], "kept", "kept", "kept"]
    assert model.history_["supervised"].iloc[1:].notna().all()


@pytest.mark.parametrize(
    ("complete", "relaxed", "mapping", "rule", "outputs"),
    [
        (True, False, "one_to_one", "given", [[0, 1], [1, 0]]),
        (True, True, "common", "relaxed", [[1, 0], [1, 0]]),
        (False, True, "one_to_one", "kept", [[1, 0], [0, 1]]),
    ],
)
def test_the_set_trained_on_is_mapped_to_what_the_models_say_now(
    complete: bool, relaxed: bool, mapping: str, rule: str, outputs: list[list[int]]
) -> None:
    """This includes a set kept from before: the models have been trained since it was found."""
    found = MiniClusters(torch.tensor([0, 0, 1, 1]), torch.tensor([2, 2]), complete, relaxed)
    before = PseudoLabels(np.array([1, 1, 0, 0]), np.zeros((2, 2), int))
    predictions, none = torch.tensor([[0, 0, 1, 1], [1, 1, 0, 0]]), torch.tensor([], dtype=torch.int64)
    told, trained_on = Kingdra(2, mapping=mapping)._next_pseudo_labels(found, before, predictions, none)
    assert told == rule
    assert trained_on.labels.tolist() == (before.labels.tolist() if rule == "kept" else [0, 0, 1, 1])
    assert trained_on.outputs.tolist() == outputs


def test_models_that_are_further_than_asked_are_refused(X: np.ndarray, tmp_path: Path, monkeypatch) -> None:
    """Kill within iteration 2, then ask for one iteration: it is done, but the saved models are further."""
    monkeypatch.setattr("kingdra_repro.training.worker.SHARE_WITHIN_PHASES", float("inf"))
    per_epoch = len(batch_slices(len(X), 32))  # all four models are one stack
    with pytest.raises(Killed):
        kingdra(checkpoint_dir=tmp_path, monitor=KillAt(step=11 * per_epoch + 1)).fit(X)
    with pytest.raises(InputError, match="have done 11 epochs, more than these 10"):
        kingdra(checkpoint_dir=tmp_path, n_iter=1).fit(X)


@pytest.mark.parametrize("n_iter", [2, 3])
def test_a_checkpoint_that_has_lost_its_models(X: np.ndarray, tmp_path: Path, n_iter: int) -> None:
    """Models retrained without pseudo-labels would pass for those that the history describes."""
    kingdra(checkpoint_dir=tmp_path, n_iter=2).fit(X)
    for path in tmp_path.rglob("models_*.pt"):
        path.unlink()
    with pytest.raises(InputError, match=r"put the files models_\*\.pt back"):
        kingdra(checkpoint_dir=tmp_path, n_iter=n_iter).fit(X)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["models_0_1_2_3.pt", "iteration.pt"])
def test_a_damaged_phase_costs_no_more_than_that_phase(
    X: np.ndarray, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    kingdra(checkpoint_dir=tmp_path, n_iter=3).fit(X)
    assert sorted(folder.name for folder in tmp_path.glob("phase*")) == ["phase2", "phase3"]
    damage(tmp_path / "phase3" / name)
    monitor = KillAt()
    resumed = kingdra(checkpoint_dir=tmp_path, monitor=monitor).fit(X)
    assert f"damaged or lost phase3/{name}: going on from the end of iteration 2" in caplog.text
    assert monitor.notified == [3, 4]
    np.testing.assert_array_equal(resumed.predict_proba(X), kingdra().fit(X).predict_proba(X))


def test_where_saving_is_slow_phases_are_saved_now_and_then(
    X: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saves are rare, as on a GPU.

    The first and last phases are always saved. States within a phase are saved only if the previous phase
    was.
    """
    monkeypatch.setitem(SHARE_AT_ENDS, "cpu", 1e-9)
    monkeypatch.setattr("kingdra_repro.training.worker.SHARE_WITHIN_PHASES", float("inf"))

    def saved() -> list[str]:
        return sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("phase*/*.pt"))

    first = ["phase0/iteration.pt", "phase0/models_0_1_2_3.pt", "phase1/models_0_1_2_3.pt"]
    with pytest.raises(Killed):
        kingdra(checkpoint_dir=tmp_path, monitor=KillAt(phase=3)).fit(X)
    assert saved() == first
    monitor = KillAt()
    resumed = kingdra(checkpoint_dir=tmp_path, monitor=monitor).fit(X)
    assert monitor.notified == [1, 2, 3, 4]
    np.testing.assert_array_equal(resumed.predict_proba(X), kingdra().fit(X).predict_proba(X))
    assert [name for name in saved() if "iteration" in name] == ["phase1/iteration.pt", "phase4/iteration.pt"]


def test_a_damaged_state_within_a_phase_is_left_out(
    X: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("kingdra_repro.training.worker.SHARE_WITHIN_PHASES", float("inf"))
    with pytest.raises(Killed):
        kingdra(checkpoint_dir=tmp_path, monitor=KillAt(step=65)).fit(X)
    damage(tmp_path / "phase0" / "models_0_1_2_3.pt")
    resumed = kingdra(checkpoint_dir=tmp_path).fit(X)
    assert "phase0/models_0_1_2_3.pt: going on from the beginning" in caplog.text
    np.testing.assert_array_equal(resumed.predict_proba(X), kingdra().fit(X).predict_proba(X))


def test_fewer_iterations_than_the_checkpoint_has(X: np.ndarray, tmp_path: Path) -> None:
    kingdra(checkpoint_dir=tmp_path, n_iter=2).fit(X)
    with pytest.raises(InputError, match=r"n_iter must be at least 2, the iterations done in .*; got 1"):
        kingdra(checkpoint_dir=tmp_path, n_iter=1).fit(X)


@pytest.mark.parametrize("wrong", [None, 3, GraphPseudoLabels, "grph"])
def test_pseudo_labels_that_are_none_are_reported_before_anything_is_trained(X: np.ndarray, wrong) -> None:
    monitor = KillAt(step=1)
    with pytest.raises(InputError, match="pseudo_labels must be"):
        kingdra(pseudo_labels=wrong, monitor=monitor).fit(X)
    assert not monitor.done


def test_predictions_in_pieces(X: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = kingdra(n_iter=1).fit(X)
    whole = fitted.predict_proba(X)
    monkeypatch.setattr("kingdra_repro.training.prediction.CHUNK_SIZE", 70)
    np.testing.assert_allclose(fitted.predict_proba(X), whole, atol=1e-6)


@pytest.mark.parametrize(
    ("rule", "got"),
    [
        (lambda proba, features: proba.mean(0).argmax(-1), "a Tensor"),
        (lambda proba, features: MiniClusters.of(torch.arange(4), 4, 0.0), r"of \(4,\)"),
    ],
)
def test_a_rule_of_ones_own_returns_mini_clusters_of_all_points(X: np.ndarray, rule, got: str) -> None:
    with pytest.raises(InputError, match=f"function must return MiniClusters of 300 labels; got {got}"):
        kingdra(first_epochs=1, n_models=2, pseudo_labels=rule).fit(X)
