"""What a loader returned is as `Dataset` documents it, or a one-line error names the loader."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.links import Links
from kingdra_repro.data.loaded import checked_dataset
from kingdra_repro.errors import InputError

X = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
Y = np.arange(20) % 3


def dataset(**parts: Any) -> Dataset:
    return Dataset(**{"name": "mine", "X": X, "y": Y, "n_clusters": 3, **parts})


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"X": X.ravel()}, r"X has shape \(80,\)"),
        ({"X": X.astype(str)}, "X is not numeric"),
        ({"n_clusters": None}, "n_clusters must be an integer from 2 to 20; got None"),
        ({"n_clusters": 21}, "n_clusters must be at most n_samples=20; got 21"),
        ({"y": Y[:5]}, r"The labels must have shape \(20,\)"),
        ({"y": Y / 1}, "The labels must be integers from 0; got float64"),
        ({"given": Y[:5]}, r"given must be an int64 array \[20\] of classes from 0 to 2, -1 where not known"),
        ({"given": Y - 2}, "given must be"),
        ({"given": Y + 1}, "given must be"),
        ({"given": list(Y)}, "given must be"),
        ({"links": [[0, 1]]}, "links must be kingdra_repro.data.links.Links"),
        ({"links": Links.of(40, [[0, 30]])}, "must_link"),
        ({"image_shape": (3, 3)}, r"image_shape must be that of a row of 4 numbers; got \(3, 3\)"),
        ({"feature_names": ["a"]}, "feature_names must have 4 entries, .*; got 1"),
        ({"row_names": ["a"]}, "row_names must have 20 entries, .*; got 1"),
        ({"table": pd.DataFrame({"a": [1]})}, "table must have 20 entries, .*; got 1"),
        ({"class_names": ["a", "b"]}, "class_names must have 3 entries, one for each class; got 2"),
    ],
)
def test_a_part_that_is_not_what_a_data_set_has(parts, told):
    with pytest.raises(InputError, match=f"^what my.load returned cannot be clustered: .*{told}") as caught:
        checked_dataset(dataset(**parts), "my.load")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("X_given", [X.astype(float), X.tolist(), sp.coo_matrix(X)])
def test_it_has_the_types_that_a_data_set_tells_of(X_given):
    found = checked_dataset(dataset(X=X_given, y=Y.astype(np.uint8)), "my.load")
    assert (found.X.dtype, found.y.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(found.X.toarray() if sp.issparse(found.X) else found.X, X)


def test_what_has_them_is_the_same():
    given = np.where(Y == 0, 0, -1)
    every = dataset(
        image_shape=(2, 2),
        feature_names=list("abcd"),
        class_names=["x", "y", "z"],
        row_names=[str(i) for i in range(20)],
        given=given,
        links=Links.of(20, [[0, 3]], [[0, 1]]),
    )
    found = checked_dataset(every, "my.load")
    assert all(getattr(found, name) is getattr(every, name) for name in vars(every))
