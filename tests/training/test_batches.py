"""The rows of each batch: batch sizes, and unsupervised, supervised and linked orders."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kingdra_repro.training.batches import (
    batch_slices,
    linked_order,
    subsample_mini_clusters,
    supervised_order,
    unsupervised_order,
)


@given(n=st.integers(2, 2000), batch_size=st.integers(2, 300))
def test_batches_cover_all_rows_and_are_even(n: int, batch_size: int) -> None:
    slices = batch_slices(n, batch_size)
    assert [i for s in slices for i in range(s.start, s.stop)] == list(range(n))
    sizes = [s.stop - s.start for s in slices]
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= 2, "batch norm has nothing to say of one row"
    assert len(slices) == max(1, min(round(n / batch_size), n // 2))


def test_orders() -> None:
    n = 50
    assert (unsupervised_order(n, "file", 0, 3, 5) == np.arange(n)).all()
    once = [unsupervised_order(n, "once", 0, 3, epoch) for epoch in (0, 9)]
    assert (once[0] == once[1]).all()
    assert (once[0] != unsupervised_order(n, "once", 0, 4, 0)).any(), "each member has its own order"
    each = [unsupervised_order(n, "epoch", 0, 3, epoch) for epoch in (0, 9)]
    assert (each[0] != each[1]).any()
    for order in (*once, *each):
        assert (np.sort(order) == np.arange(n)).all()


def test_each_part_of_an_epoch_draws_anew() -> None:
    clusters, pairs = [np.arange(25), np.arange(25, 50)], np.arange(50).reshape(25, 2)
    for drawn in (
        lambda part: unsupervised_order(50, "epoch", 0, 3, 5, part),
        lambda part: unsupervised_order(50, "once", 0, 3, 5, part),
        lambda part: supervised_order(clusters, 50, 0, 3, 5, part),
        lambda part: linked_order(pairs, 50, 0, 3, 5, part),
    ):
        assert len({tuple(drawn(part)) for part in range(3)}) == 3


def test_the_points_of_a_linked_pair_come_one_after_the_other() -> None:
    pairs = np.arange(20).reshape(10, 2)
    drawn = linked_order(pairs, 17, 0, 3, 5)
    assert (drawn[:16:2] + 1 == drawn[1:16:2]).all()  # the last pair is cut
    assert len(np.unique(drawn)) == 17


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    n=st.integers(6, 200),
    epoch=st.integers(0, 3),
)
def test_supervised_stream_is_balanced(sizes: list[int], n: int, epoch: int) -> None:
    cuts = np.cumsum(sizes)
    clusters = np.split(np.arange(cuts[-1]), cuts[:-1])
    drawn = supervised_order(clusters, n, seed=0, member=0, epoch=epoch)
    assert len(drawn) == n
    shares = [np.isin(drawn, rows).sum() for rows in clusters]
    assert max(shares) - min(shares) <= 1
    for rows, share in zip(clusters, shares, strict=True):
        times = np.bincount(drawn, minlength=cuts[-1])[rows]
        assert times.max() - times.min() <= 1, "a mini-cluster goes round its points evenly"
        assert times.sum() == share


def test_points_beyond_a_share_are_seen_in_other_epochs() -> None:
    """The public code would draw only the first n / k points of a large mini-cluster, in every epoch."""
    clusters = [np.arange(90), np.arange(90, 100)]
    seen = np.unique(np.concatenate([supervised_order(clusters, 100, 0, 0, epoch) for epoch in range(12)]))
    assert len(seen) == 100


def test_of_more_labelled_points_than_are_at_hand_each_epoch_has_others() -> None:
    clusters = [np.arange(90), np.arange(90, 95)]
    assert subsample_mini_clusters(clusters, 95, 0, 0) is clusters
    first, second = (subsample_mini_clusters(clusters, 20, 0, epoch) for epoch in (0, 1))
    for large, small in (first, second):
        assert len(np.intersect1d(large, clusters[0])) == len(large) == 10
        assert sorted(small) == list(range(90, 95))
    assert set(first[0]) != set(second[0])


@pytest.mark.parametrize("order", ["once", "epoch"])
def test_order_depends_on_the_seed(order: str) -> None:
    assert (unsupervised_order(50, order, 0, 0, 0) != unsupervised_order(50, order, 1, 0, 0)).any()
