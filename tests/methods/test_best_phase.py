"""``keep_phase="modularity"``: labels and models are those of the best phase, also in resumed fits."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs

from kingdra_repro import Kingdra
from kingdra_repro.bases import LadderIM
from kingdra_repro.errors import InputError
from kingdra_repro.evaluation.without_labels import unsupervised_measures
from kingdra_repro.methods import KingdraPlus
from kingdra_repro.methods.best_phase import BestPhase, modularity, neighbour_graph
from kingdra_repro.training.checkpoint import Checkpoint
from tests.methods.conftest import Killed, assert_same_history

BASE = LadderIM(hidden=(16,), denoising_costs=(10.0, 1.0, 0.1))


@pytest.fixture(scope="module")
def X() -> np.ndarray:
    X, _ = make_blobs(300, n_features=8, centers=6, cluster_std=2.5, random_state=1)
    return ((X - X.min(0)) / (X.max(0) - X.min(0))).astype(np.float32)


def kingdra(**settings) -> Kingdra:
    defaults = {"n_models": 3, "n_iter": 4, "first_epochs": 6, "epochs": 1, "batch_size": 32}
    defaults |= {"keep_phase": "modularity", "base": BASE, "random_state": 2, "device": "cpu"}
    return Kingdra(6, **{**defaults, **settings})


class Recorder:
    """A monitor that keeps the labels of each phase, and kills the fit after a phase or within one."""

    def __init__(self, kill_after: int = -1, kill_within: int = -1) -> None:
        self.kill_after, self.kill_within = kill_after, kill_within
        self.answers: dict[int, np.ndarray] = {}

    def progress(self, event) -> None:
        if event.iteration == self.kill_within:
            raise Killed

    def iteration(self, it) -> None:
        self.answers[it.index] = it.labels
        if it.index == self.kill_after:
            raise Killed


@pytest.fixture(scope="module")
def straight(X: np.ndarray) -> tuple[Kingdra, Recorder]:
    """Return a fit whose best phase is neither the first nor the last, and the labels after each phase."""
    recorder = Recorder()
    method = kingdra(monitor=recorder).fit(X)
    assert 0 < method.phase_ < method.n_iter
    return method, recorder


def test_the_answer_is_of_the_phase_of_largest_modularity(X: np.ndarray, straight) -> None:
    method, recorder = straight
    graph = neighbour_graph(X)
    found = [modularity(graph, recorder.answers[phase]) for phase in range(5)]
    assert method.history_["modularity"].tolist() == found
    assert method.phase_ == int(np.argmax(found))
    np.testing.assert_array_equal(method.labels_, recorder.answers[method.phase_])


def test_models_and_outputs_are_of_that_phase(X: np.ndarray, straight) -> None:
    method, _ = straight
    shorter = kingdra(n_iter=method.phase_, keep_phase="last").fit(X)
    np.testing.assert_array_equal(method.labels_, shorter.labels_)
    np.testing.assert_array_equal(method.model_labels_, shorter.model_labels_)
    np.testing.assert_array_equal(method.pseudo_labels_, shorter.pseudo_labels_)
    np.testing.assert_array_equal(method.predict_proba(X), shorter.predict_proba(X))
    measures = unsupervised_measures(method, X)
    assert measures == unsupervised_measures(shorter, X)


@pytest.mark.parametrize(
    "kill", [{"kill_after": 2}, {"kill_after": 3}, {"kill_within": 3}, {"kill_within": 4}]
)
def test_a_killed_fit_ends_as_one_never_killed(X: np.ndarray, straight, tmp_path: Path, kill: dict) -> None:
    check_resumed(X, straight[0], tmp_path, kill)


@pytest.mark.parametrize("kill", [{"kill_after": 1}, {"kill_within": 2}])
def test_one_whose_best_phase_is_the_first_does_so_too(X: np.ndarray, tmp_path: Path, kill: dict) -> None:
    settings = {"random_state": 1, "n_iter": 2}
    method = kingdra(**settings).fit(X)
    assert method.phase_ == 0
    check_resumed(X, method, tmp_path, kill, **settings)


def check_resumed(X: np.ndarray, straight: Kingdra, folder: Path, kill: dict, **settings) -> None:
    with pytest.raises(Killed):
        kingdra(checkpoint_dir=folder, monitor=Recorder(**kill), **settings).fit(X)
    resumed = kingdra(checkpoint_dir=folder, **settings).fit(X)
    last = straight.n_iter
    finished = kingdra(checkpoint_dir=folder, monitor=Recorder(kill_within=last), **settings).fit(X)
    for one in (resumed, finished):
        assert one.phase_ == straight.phase_
        np.testing.assert_array_equal(one.labels_, straight.labels_)
        np.testing.assert_array_equal(one.predict_proba(X), straight.predict_proba(X))
    assert_same_history(resumed, straight)


def test_a_best_phase_of_after_the_last_committed_one_is_not_taken_up(tmp_path: Path) -> None:
    X = np.repeat(np.eye(4, dtype=np.float32), 12, axis=0)
    truth, checkpoint, best = np.repeat(np.arange(4), 12), Checkpoint(tmp_path, "a run"), BestPhase(X)
    poor = np.where(truth == 3, 2, truth)
    for number, labels in ((1, poor), (2, np.zeros(48, int)), (3, truth), (4, poor)):
        answer = {"labels": torch.from_numpy(labels)}
        best.update(number, answer, lambda number=number: SimpleNamespace(weights=[number]))
        best.save(checkpoint)
        if number == 3:
            killed = BestPhase(X)  # killed before phase 3 was recorded as done
            killed.resume(checkpoint, 3)
            assert killed.phase.number == 1
            assert killed.phase.weights == [1]
    resumed = BestPhase(X)
    resumed.resume(checkpoint, 5)
    assert resumed.phase.number == 3
    assert resumed.phase.modularity == best.phase.modularity
    np.testing.assert_array_equal(resumed.phase.answer["labels"], truth)
    assert checkpoint.names("best/") == ["best/phase3"]


def test_what_a_killed_save_left_is_removed(X: np.ndarray, tmp_path: Path) -> None:
    """A kill by the system leaves the temporary file of the state that was being written."""
    kingdra(checkpoint_dir=tmp_path, n_iter=1).fit(X)
    part = tmp_path / "best" / ".phase1.pt.part-a1b2c3d4"
    part.write_bytes(b"half of it")
    kingdra(checkpoint_dir=tmp_path, n_iter=1).fit(X)
    assert not part.exists()
    assert list(tmp_path.glob("best/*.pt"))


def test_of_phases_that_are_equally_good_the_last_is_the_answer() -> None:
    best, answer = BestPhase(np.eye(4, dtype=np.float32)), {"labels": torch.tensor([0, 0, 1, 1])}
    for number in (1, 2):
        best.update(number, answer, lambda number=number: SimpleNamespace(weights=[number]))
    assert (best.phase.number, best.phase.weights) == (2, [2])


def test_the_first_phase_of_kingdra_plus_has_other_models_and_is_no_candidate(X: np.ndarray) -> None:
    settings = {"first_base": BASE, "first_epochs": 2, "n_models": 2, "n_iter": 1, "epochs": 1, "base": BASE}
    method = KingdraPlus(6, keep_phase="modularity", random_state=0, device="cpu", **settings).fit(X)
    assert method.phase_ == 1
    assert np.isnan(method.history_["modularity"][0])
    assert method.predict(X).shape == (300,)


def test_nothing_changes_where_the_last_phase_is_kept(X: np.ndarray) -> None:
    method = kingdra(keep_phase="last").fit(X)
    assert method.phase_ == 4
    assert "modularity" not in method.history_
    with pytest.raises(InputError, match="keep_phase must be"):
        kingdra(keep_phase="best").fit(X)
