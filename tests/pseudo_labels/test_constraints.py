"""Pseudo-labels respect given labels and linked pairs, whatever mini-clusters were found."""

import numpy as np
import torch
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from kingdra_repro.data.links import Links, closure, propagate_labels
from kingdra_repro.pseudo_labels import MiniClusters, constrain

K, N = 3, 14


def found_as(labels: list[int]) -> MiniClusters:
    return MiniClusters.of(torch.tensor(labels), K, 0.0)


def outputs(*models: list[int]) -> torch.Tensor:
    return torch.tensor(models)


@settings(max_examples=40, deadline=None)
@drawn(st.integers(0, 2**32 - 1))
def test_no_set_breaks_a_given_label_or_a_certain_link(seed: int) -> None:
    """Labels and links are drawn from a hidden truth, so that they do not contradict one another."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, K, N)
    pairs = rng.integers(0, N, (rng.integers(0, 13), 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    together = truth[pairs[:, 0]] == truth[pairs[:, 1]]
    links = Links.of(N, pairs[together], pairs[~together])
    closed = None if links is None else closure(N, links)
    labels = np.where(rng.random(N) < rng.random(), truth, -1)
    labels = labels if closed is None else propagate_labels(labels, closed)
    found = found_as(rng.integers(-1, K, N).tolist())
    kept = constrain(found, outputs(*rng.integers(0, K, (2, N)).tolist()), labels, closed)

    now = kept.labels.numpy()
    np.testing.assert_array_equal(now[labels >= 0], labels[labels >= 0])
    for (i, j), alike in zip(pairs, together, strict=True):
        if alike:
            assert now[i] == now[j]
        else:
            assert now[i] != now[j] or now[i] == now[j] == -1
    assert kept.sizes.tolist() == np.bincount(now[now >= 0], minlength=K).tolist()
    assert not kept.complete or (kept.sizes.min() > 0 and found.complete)


NONE = np.full(6, -1)


def test_nothing_given_changes_nothing() -> None:
    found = found_as([2, 2, 0, 1, -1, 0])
    kept = constrain(found, outputs([0, 0, 1, 1, 2, 2]), NONE, None)
    assert kept.labels.tolist() == found.labels.tolist()
    assert kept.complete


def test_a_mini_cluster_takes_the_class_of_its_labelled_points_and_they_keep_theirs() -> None:
    found = found_as([0, 0, 0, 1, 1, 2])
    given = np.array([2, 2, 1, -1, -1, -1])  # one of the three labelled points has another class
    kept = constrain(found, outputs([2, 2, 2, 0, 0, 1]), given, None)
    assert kept.labels.tolist() == [2, 2, 1, 0, 0, 1]


def test_one_labelled_point_counts_more_than_what_all_models_say() -> None:
    given = np.array([2, -1, -1, -1, -1, -1])
    kept = constrain(found_as([0, 0, 0, 1, 1, 2]), outputs([0, 0, 0, 1, 1, 2]), given, None)
    assert kept.labels.tolist() == [2, 2, 2, 1, 1, 0]


def test_a_mini_cluster_without_labelled_points_is_what_the_models_call_it() -> None:
    """Models number classes without a label differently: the second calls 1 what the first calls 2."""
    given = np.array([0, -1, -1, -1, -1, -1])
    kept = constrain(
        found_as([1, 1, 0, 0, 2, 2]), outputs([0, 0, 1, 1, 2, 2], [0, 0, 2, 2, 1, 1]), given, None
    )
    assert kept.labels.tolist() == [0, 0, 1, 1, 2, 2]


def test_a_group_follows_most_of_its_points() -> None:
    closed = closure(6, Links.of(6, [[0, 1], [1, 2], [3, 4]]))
    kept = constrain(found_as([0, 0, 1, 1, 2, 2]), outputs([0] * 6), NONE, closed)
    assert kept.labels.tolist() == [0, 0, 0, -1, -1, 2]  # 3 and 4 are in different ones: both are removed
    assert not kept.complete


def test_of_a_parted_pair_in_one_mini_cluster_the_labelled_point_stays() -> None:
    closed = closure(6, Links.of(6, None, [[0, 1], [2, 3]]))
    given = np.array([0, -1, -1, -1, -1, -1])
    kept = constrain(found_as([0, 0, 1, 1, 1, 2]), outputs([0, 0, 1, 1, 1, 2]), given, closed)
    assert kept.labels.tolist() == [0, -1, -1, -1, 1, 2]
