"""Clustering measures: ACC compared with brute force, invariance to names, and invalid labels."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import ari, clustering_accuracy, matched_classes, nmi, purity, scores
from kingdra_repro.evaluation.metrics import classification_accuracy

LABELS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40).map(
    lambda pairs: tuple(np.array(side, np.int64) for side in zip(*pairs, strict=True))
)


def brute_force(y, z):
    """Return the accuracy of the best match, by trying all; surplus clusters or classes match nothing."""
    classes, clusters = list(np.unique(y)), list(np.unique(z))
    if len(clusters) > len(classes):
        classes, clusters, y, z = clusters, classes, z, y
    return max(
        np.mean([dict(zip(clusters, chosen, strict=True))[b] == a for a, b in zip(y, z, strict=True)])
        for chosen in permutations(classes, len(clusters))
    )


@given(LABELS)
def test_accuracy_is_that_of_the_best_match(pair):
    y, z = pair
    assert clustering_accuracy(y, z) == pytest.approx(brute_force(y, z))


@given(LABELS, st.permutations(range(5)), st.integers(-3, 1000))
def test_names_do_not_matter(pair, renamed, shift):
    y, z = pair
    other = np.array(renamed)[z] + shift
    for measure in (clustering_accuracy, nmi, ari, purity):
        assert measure(y, other) == pytest.approx(measure(y, z))


@given(LABELS)
def test_bounds(pair):
    y, z = pair
    assert 0 < clustering_accuracy(y, z) <= purity(y, z) <= 1
    assert clustering_accuracy(y, y) == purity(y, y) == 1


def test_known_values():
    y = np.repeat([0, 1, 2], 10)
    z = np.array([5] * 8 + [6] * 2 + [6] * 10 + [7] * 4 + [8] * 6)
    assert clustering_accuracy(y, z) == pytest.approx((8 + 10 + 6) / 30)
    assert purity(y, z) == pytest.approx((8 + 10 + 4 + 6) / 30)
    assert matched_classes(y, z) == {5: 0, 6: 1, 8: 2}


def test_no_cluster_is_matched_to_a_class_it_does_not_contain():
    y = np.repeat([0, 0, 1, 2], 10)
    z = np.repeat([5, 6, 7, 7], 10)  # 7 holds classes 1 and 2, and only one of 5 and 6 can have class 0
    matched = matched_classes(y, z)
    assert len(matched) == 2
    assert all((y[z == cluster] == of_class).any() for cluster, of_class in matched.items())
    assert clustering_accuracy(y, z) == 0.5


def test_one_cluster():
    y = np.repeat([0, 1], [30, 10])
    assert clustering_accuracy(y, np.zeros(40, int)) == 0.75
    assert nmi(y, np.zeros(40, int)) == 0


def test_scores_without_classes_are_none():
    assert scores(None, np.zeros(3, int)) == dict.fromkeys(("acc", "nmi", "ari", "purity"))


@pytest.mark.parametrize("measure", [clustering_accuracy, nmi, ari, purity])
@pytest.mark.parametrize(("y", "z"), [([0, 1], [0, 1, 1]), ([[0, 1]], [[0, 1]]), ([], [])])
def test_what_is_no_pair_of_label_vectors(measure, y, z):
    with pytest.raises(InputError, match="y_true"):
        measure(y, z)


EVERY = [classification_accuracy, clustering_accuracy, nmi, ari, purity]
WORDS = ["oak", "oak", "elm", "None", "NA"]


@pytest.mark.parametrize("measure", EVERY)
@pytest.mark.parametrize("kind", [list, np.array, pd.Series, pd.Categorical, tuple])
def test_words_are_labels(measure, kind):
    codes = np.array([2, 2, 1, 3, 4])
    others = np.array([2, 1, 1, 3, 3])
    named = dict(zip(codes.tolist(), WORDS, strict=True))
    assert measure(kind(WORDS), kind([named[code] for code in others])) == pytest.approx(
        measure(codes, others)
    )


@pytest.mark.parametrize("measure", EVERY)
@pytest.mark.parametrize(
    "labels",
    [
        [0, 1, np.nan],
        np.array([0, 1, np.nan]),
        ["a", "b", None],
        ["a", "b", np.nan],
        pd.Series(["a", "b", None]),
        pd.Series([0, 1, None], dtype="Int64"),
        np.ma.masked_array([0, 1, 2], [False, False, True]),
    ],
)
def test_a_missing_label_is_reported_alike_by_every_measure(measure, labels):
    with pytest.raises(InputError, match=r"y_true has no label for point 2 .* leave such points out"):
        measure(labels, [0, 1, 1])
    with pytest.raises(InputError, match="y_pred has no label for point 2"):
        measure([0, 1, 1], labels)


@pytest.mark.parametrize("measure", EVERY[1:])
def test_labels_that_are_neither_words_nor_numbers(measure):
    with pytest.raises(InputError, match="labels must be words or numbers"):
        measure(pd.Series([{}, {}]), [0, 1])
