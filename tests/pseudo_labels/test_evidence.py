"""Joining an ensemble's clusters, which are too fine, into k groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import SpectralClustering

from kingdra_repro.data.links import Links
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.pseudo_labels import evidence
from kingdra_repro.pseudo_labels.evidence import join_clusters


def same_partition(a: np.ndarray, b: np.ndarray) -> bool:
    pairs = len(np.unique(np.stack([a, b]), axis=1).T)
    return pairs == len(np.unique(a)) == len(np.unique(b))


def cuts(rng: np.random.Generator, k: int, n_models: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each model's labels, and the classes, of points on k circles.

    Each model halves each circle at a random place and numbers the halves in random order.
    """
    classes = np.repeat(np.arange(k), size)
    place = np.tile(np.arange(size) / size, k)
    models = []
    for _ in range(n_models):
        start = rng.random(k)[classes]
        models.append(rng.permutation(2 * k)[2 * classes + ((place - start) % 1 < 0.5)])
    return np.array(models), classes


@given(seed=st.integers(0, 10_000), k=st.integers(2, 8))
def test_halves_that_models_cut_elsewhere_are_joined(seed: int, k: int) -> None:
    labels, classes = cuts(np.random.default_rng(seed), k, n_models=10, size=60)
    groups = join_clusters(labels, 2 * k, k)
    assert groups.shape == (10, 2 * k)
    for model, of_model in zip(labels, groups, strict=True):
        assert same_partition(of_model[model], classes)
    # The groups of all models have the same numbers.
    joined = np.take_along_axis(groups, labels, axis=1)
    assert (joined == joined[0]).all()


def test_a_mixture_that_other_models_tell_apart_does_not_join_two_classes() -> None:
    labels, classes = cuts(np.random.default_rng(0), k=4, n_models=8, size=100)
    labels[0, (classes == 2) | (classes == 3)] = labels[0, classes == 2][0]
    groups = join_clusters(labels, 8, 4)
    for model in range(1, 8):
        assert same_partition(groups[model][labels[model]], classes)


def test_linked_pairs_tell_what_belongs_together_where_the_models_do_not() -> None:
    """All models cut the classes alike, so only the pairs show which halves form a class."""
    rng = np.random.default_rng(0)
    fine = np.repeat(np.arange(6), 50)
    labels, classes = np.tile(fine, (3, 1)), fine // 2
    pairs = rng.integers(300, size=(2000, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    same = classes[pairs[:, 0]] == classes[pairs[:, 1]]
    groups = join_clusters(labels, 6, 3, Links.of(300, pairs[same], pairs[~same]))
    assert same_partition(groups[0][fine], classes)


def test_linked_pairs_are_weighed_against_a_model_s_own_answer() -> None:
    links = Links.of(4, [[0, 2]], [[1, 3], [0, 1]], cannot_weight=[0.5, 1])
    alike, own = evidence._alike(np.array([0, 0, 1, 1]), 3, links), evidence.OWN_VOTE_WEIGHT
    assert alike[0, 1] == alike[1, 0] == 1 / (own + 1.5)  # one pair joins them, half a pair parts them
    assert alike[0, 0] == own / (own + 1)
    assert (alike[2] == [0, 0, 1]).all()


def test_rare_answers_and_unused_clusters_do_no_harm() -> None:
    rng = np.random.default_rng(0)
    labels, classes = cuts(rng, k=4, n_models=6, size=500)
    wrong = rng.random(labels.shape) < 0.01
    labels = np.where(wrong, rng.integers(0, 8, labels.shape), labels)
    groups = join_clusters(labels, 12, 4)
    assert groups.shape == (6, 12)
    assert (groups[:, 8:] == 0).all()
    joined = np.take_along_axis(groups, labels, axis=1)
    majority = np.array([np.bincount(votes, minlength=4).argmax() for votes in joined.T])
    assert clustering_accuracy(classes, majority) > 0.99


def test_fewer_cells_than_clusters() -> None:
    labels = np.array([[0, 0, 1, 1], [3, 3, 2, 2]])
    groups = join_clusters(labels, 6, 3)
    assert sorted(groups[0, :2]) == [0, 1]
    assert groups[0, 0] == groups[1, 3]
    assert groups[0, 1] == groups[1, 2]


def test_only_the_largest_cells_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, classes = cuts(np.random.default_rng(1), k=3, n_models=10, size=60)
    compared = []

    class Watched(SpectralClustering):
        def fit_predict(self, X, y=None):
            compared.append(X.shape)
            return super().fit_predict(X, y)

    monkeypatch.setattr(evidence, "SpectralClustering", Watched)
    monkeypatch.setattr(evidence, "MOST_CELLS", 30)
    groups = join_clusters(labels, 6, 3)
    assert compared == [(30, 30)]
    agree = [same_partition(of_model[model], classes) for model, of_model in zip(labels, groups, strict=True)]
    assert sum(agree) >= 8


def test_a_cluster_goes_where_most_of_its_points_are_not_most_of_its_cells() -> None:
    """The first model puts 40 points of class 1, which form four cells, into its cluster of class 0."""
    b = np.arange(120)
    first = np.r_[np.zeros(100, int), np.where(b < 40, 0, 1)]
    halves = [np.r_[np.zeros(100, int), 1 + cut] for cut in (b % 2, b // 2 % 2)]
    groups = join_clusters(np.array([first, *halves, *halves]), 3, 2)
    assert groups[0, 0] == groups[1, 0]
    assert groups[0, 1] == groups[1, 1] == groups[1, 2] != groups[1, 0]


def test_cells_weigh_as_many_as_they_have_points(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    class Watched(SpectralClustering):
        def fit_predict(self, X, y=None):
            compared.append(X)
            return super().fit_predict(X, y)

    monkeypatch.setattr(evidence, "SpectralClustering", Watched)
    join_clusters(np.array([[0] * 50 + [1] * 30, [0] * 40 + [1] * 40]), 2, 2)  # cells of 40, 30 and 10
    half = np.sqrt([[0, 0, 400], [0, 0, 300], [400, 300, 0]]) / 2  # one model of two puts them together
    np.testing.assert_allclose(compared[0], np.diag([40, 30, 10]) + half, atol=1e-6)
