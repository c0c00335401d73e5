"""The fixed sample for measures and plots: its points must never change."""

import numpy as np

from kingdra_repro.sampling import fixed_sample


def test_the_same_points_in_every_version():
    assert fixed_sample(1_000, 5).tolist() == [269, 307, 510, 635, 847]
    assert fixed_sample(1_000, 5).dtype == np.int64


def test_all_points_where_there_are_no_more():
    for max_size in (20, 21, 1_000):
        np.testing.assert_array_equal(fixed_sample(20, max_size), np.arange(20))
