"""Clusters that are too fine, joined by which are neighbours."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import make_blobs
from sklearn.neighbors import kneighbors_graph

from kingdra_repro.pseudo_labels.merging import merge_clusters


def brute_force(labels: np.ndarray, neighbors: np.ndarray, n_fine: int, k: int) -> set[frozenset[int]]:
    """Average linkage, counted anew from the points at every step."""
    groups = [frozenset([c]) for c in range(n_fine) if (labels == c).any()]
    while len(groups) > k:
        members = [np.isin(labels, list(group)) for group in groups]
        linkage = {
            (a, b): (
                neighbors[np.ix_(members[a], members[b])].sum()
                + neighbors[np.ix_(members[b], members[a])].sum()
            )
            / (members[a].sum() * members[b].sum())
            for a in range(len(groups))
            for b in range(a)
        }
        a, b = max(linkage, key=lambda pair: linkage[pair])
        groups[b] |= groups[a]
        del groups[a]
    return set(groups)


@given(seed=st.integers(0, 10_000), n_fine=st.integers(2, 7), k=st.integers(1, 7))
def test_every_step_joins_the_groups_with_the_highest_average_linkage(seed: int, n_fine: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    k = min(k, n_fine)
    labels = rng.integers(0, n_fine, 25)
    neighbors = (rng.random((25, 25)) < 0.3).astype(float)
    found = merge_clusters(labels, sp.csr_matrix(neighbors), n_fine, k)
    assert found.shape == (n_fine,)
    used = np.unique(labels)
    by_group = {frozenset(used[found[used] == group]) for group in np.unique(found[used])}
    assert by_group == brute_force(labels, neighbors, n_fine, k)


@pytest.mark.parametrize("n_neighbors", [3, 5, 10])
def test_halves_of_blobs_become_the_blobs(n_neighbors: int) -> None:
    """The last two of the five blobs touch, so that both their halves have neighbours in the other."""
    centers = np.array([[0, 0], [8, 0], [0, 8], [8, 8], [10.5, 8]])
    X, blob = make_blobs(1000, centers=centers, cluster_std=0.7, random_state=0)
    halves = 2 * blob + (X[:, 1] > centers[blob, 1])
    groups = merge_clusters(halves, kneighbors_graph(X, n_neighbors), 10, 5)
    assert groups.tolist() == np.repeat(groups[::2], 2).tolist()
    assert sorted(groups[::2]) == [0, 1, 2, 3, 4]


def test_clusters_without_points_are_in_a_group_all_the_same() -> None:
    labels = np.array([1, 1, 3, 3])
    neighbors = sp.csr_matrix(np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]))
    assert merge_clusters(labels, neighbors, 5, 2).tolist() == [0, 0, 0, 1, 0]
    assert merge_clusters(labels, neighbors, 5, 1).tolist() == [0, 0, 0, 0, 0]
