"""KingdraPlus, whose first clusters are too fine and are joined where the models put points together."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from kingdra_repro.bases import IMSATVAT, LadderIM
from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.methods import KingdraPlus
from kingdra_repro.pseudo_labels import KMeansPseudoLabels
from tests.methods.conftest import KillAt, Killed, assert_same_history

BASE = LadderIM(hidden=(16,), denoising_costs=(10.0, 1.0, 0.1))
FIRST = IMSATVAT(hidden=(16,))


@pytest.fixture(scope="module")
def pairs() -> tuple[np.ndarray, np.ndarray]:
    """Return the points of four classes, each of two neighbouring blobs, and their classes."""
    centers = np.array([[0, 0], [0, 3], [10, 0], [10, 3], [0, 12], [3, 12], [10, 12], [13, 12]])
    X, blob = make_blobs(600, centers=centers, cluster_std=0.7, random_state=0)
    X = (X - X.min(0)) / (X.max(0) - X.min(0))
    return X.astype(np.float32), blob // 2


def plus(**settings) -> KingdraPlus:
    defaults = {"n_models": 3, "n_iter": 2, "first_epochs": 5, "first_batch_size": 50, "epochs": 3}
    given = {"base": BASE, "first_base": FIRST, "batch_size": 32, "random_state": 0, "device": "cpu"}
    return KingdraPlus(4, **{**given, **defaults, **settings})


def test_the_learning_rate_falls_in_the_first_phase_too(pairs) -> None:
    constant, falling = (
        plus(n_iter=1, epochs=1, first_epochs=4, decay_epochs=decay).fit(pairs[0]) for decay in (0, 2)
    )
    assert constant.history_["mi"][0] != falling.history_["mi"][0]


def test_it_finds_classes_of_several_blobs(pairs) -> None:
    X, y = pairs
    model = plus(first_epochs=30).fit(X)
    assert clustering_accuracy(y, model.labels_) > 0.95
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    np.testing.assert_allclose(model.predict_proba(X).sum(1), 1, atol=1e-5)
    assert model.predict_proba(X).shape == (600, 4)
    assert list(model.history_["iteration"]) == [0, 1, 2]
    assert model.model_labels_.shape == (3, 600)
    # There are pseudo-labels before any model with k outputs has been trained.
    assert model.history_["n_pseudo_labels"][0] > 300
    assert {"sat", "denoising"} <= set(model.history_)


def test_what_is_joined_has_the_number_of_the_class_that_is_labelled_there(pairs) -> None:
    """This holds before any model with k outputs has been trained on the labels."""
    X, y = pairs
    found = []

    class Watch(KillAt):
        def iteration(self, it) -> None:
            found.append(it.model_labels)

    given = np.where(np.arange(600) % 30 == 0, (y + 1) % 4, -1)
    plus(first_epochs=25, n_models=2, n_iter=1, epochs=1, monitor=Watch()).fit(X, given)
    assert (found[0] == (y + 1) % 4).mean() > 0.9


def test_features_are_of_models_that_are_trained(pairs, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first phase, K-means must not use the features of the new models, which are untrained."""
    widths = []
    find = KMeansPseudoLabels.__call__

    def spy(self, proba, features):
        widths.append(features().shape)
        return find(self, proba, features)

    monkeypatch.setattr(KMeansPseudoLabels, "__call__", spy)
    plus(pseudo_labels="kmeans", first_base=IMSATVAT(hidden=(24,)), n_iter=1, epochs=1).fit(pairs[0])
    assert widths == [(600, 24), (600, 16)]


def test_the_first_models_have_settings_of_their_own_and_share_the_others() -> None:
    method = plus(fineness=3, first_learning_rate=0.01, learning_rate=0.003, precision="bfloat16")
    fine = method._fine_ensemble(SimpleNamespace(seed=0, checkpoint=None, monitor=None))
    assert (fine.n_clusters, fine.base, fine.epochs) == (12, FIRST, 5)
    assert (fine.batch_size, fine.learning_rate) == (50, 0.01)
    assert (fine.n_models, fine.precision, fine.device) == (3, "bfloat16", "cpu")


def test_the_first_models_draw_other_numbers_than_the_later_ones(pairs, monkeypatch) -> None:
    """Models with the same initial weights and the same order of points would not be independent."""
    drawn = []
    build = LadderIM.build

    def spy(self, n_features, n_clusters, generators, precision):
        if len(generators) > 1:  # a fitted model's network is built singly, and draws nothing
            drawn.append([generator.initial_seed() for generator in generators])
        return build(self, n_features, n_clusters, generators, precision)

    monkeypatch.setattr(LadderIM, "build", spy)
    plus(first_base=BASE, n_iter=1, epochs=1).fit(pairs[0])
    first, later = drawn
    assert set(first).isdisjoint(later)


@pytest.fixture(scope="module")
def straight(pairs) -> KingdraPlus:
    """Return a fit that is never killed."""
    return plus().fit(pairs[0])


@pytest.mark.parametrize("step", [30, 80, 150])  # in the first phase, in iterations 1 and 2
def test_a_killed_fit_ends_as_one_never_killed(
    pairs, straight, tmp_path: Path, step: int, monkeypatch
) -> None:
    X, _ = pairs
    monkeypatch.setattr("kingdra_repro.training.worker.SHARE_WITHIN_PHASES", float("inf"))
    watch = KillAt(step)
    with pytest.raises(Killed):
        plus(checkpoint_dir=tmp_path, monitor=watch).fit(X)
    resumed = plus(checkpoint_dir=tmp_path).fit(X)
    np.testing.assert_array_equal(resumed.predict_proba(X), straight.predict_proba(X))
    assert_same_history(resumed, straight)


def test_progress_never_goes_back(pairs) -> None:
    X, _ = pairs
    told = []

    class Watch(KillAt):
        def progress(self, event) -> None:
            told.append((event.model_epochs_done, event.model_epochs_total, event.n_iter))

    watch = Watch()
    plus(monitor=watch).fit(X)
    done, total, n_iter = zip(*told, strict=True)
    assert list(done) == sorted(done)
    assert set(total) == {3 * (5 + 2 * 3)}
    assert done[-1] == total[-1]
    assert set(n_iter) == {2}
    assert watch.notified == [0, 1, 2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_iter": 0}, "n_iter must be an integer of at least 1; got 0"),
        ({"n_models": 1}, "n_models must be an integer of at least 2; got 1"),
        ({"fineness": 0}, "fineness must be an integer of at least 1; got 0"),
        ({"fineness": 200}, "600 points are too few for fineness=200 times 4 clusters"),
        ({"first_learning_rate": -1.0}, "first_learning_rate must be a positive number; got -1.0"),
        ({"first_base": "ladr"}, "^first_base must be one of ladder_im, .*; got 'ladr'"),
        ({"first_base": ["ladder_im", 3]}, "^first_base must be the name of a base model, .*; got 3"),
        ({"first_base": ["deep_rim"] * 4}, "^first_base has 4 kinds, and n_models=3: give at least one"),
    ],
)
def test_user_errors(pairs, settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plus(**settings).fit(pairs[0])


def test_a_finished_fit_is_taken_up_and_goes_on(pairs, straight, tmp_path: Path) -> None:
    X, _ = pairs
    first = plus(n_iter=1, checkpoint_dir=tmp_path).fit(X)
    again = plus(n_iter=1, checkpoint_dir=tmp_path, monitor=KillAt(1)).fit(X)  # trains nothing
    np.testing.assert_array_equal(again.labels_, first.labels_)
    longer = plus(n_iter=2, checkpoint_dir=tmp_path).fit(X)
    np.testing.assert_array_equal(longer.labels_, straight.labels_)
    with pytest.raises(InputError, match=r"n_iter must be at least 2, the iterations done in .*; got 1"):
        plus(n_iter=1, checkpoint_dir=tmp_path).fit(X)
