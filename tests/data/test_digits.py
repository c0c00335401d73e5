import numpy as np
import pytest

from kingdra_repro.data import load_digits
from kingdra_repro.errors import InputError


def test_digits() -> None:
    data = load_digits()
    assert (data.name, data.X.shape, data.X.dtype) == ("digits", (1797, 64), np.float32)
    assert (data.X.min(), data.X.max()) == (0, 1)
    assert data.y.dtype == np.int64
    assert np.bincount(data.y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (data.n_clusters, data.image_shape) == (10, (8, 8))
    assert data.class_names == list("0123456789")


def test_number_of_clusters_can_be_chosen() -> None:
    assert load_digits(n_clusters=20).n_clusters == 20
    with pytest.raises(InputError, match=r"n_clusters must be an integer from 2 to .*; got 1"):
        load_digits(n_clusters=1)
