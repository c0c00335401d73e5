import numpy as np
import pandas as pd
import pytest

from kingdra_repro.data.formats.labels import encode_labels
from kingdra_repro.errors import InputError


@pytest.mark.parametrize(
    "labels",
    [
        ["b", "a", "c", "a"],
        [7, 3, 9, 3],
        [-1, -2, 0, -2],
        [2.0, 1.0, 3.0, 1.0],
        np.array([[7], [3], [9], [3]]),
        pd.Series(["b", "a", "c", "a"], dtype="category"),
        pd.Series(["b", 1, "c", 1]),
    ],
)
def test_sorted_classes_from_zero(labels: list) -> None:
    codes, _ = encode_labels(labels, "here")
    assert codes.dtype == np.int64
    assert codes.tolist() == [1, 0, 2, 0]


def test_booleans() -> None:
    assert encode_labels([True, False], "here")[0].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([1.0, np.nan], "here has no label in row 1"),
        (pd.Series(["a", None, "b"]), "no label in row 1"),
        ([0.5, 1.0], "measurements, not classes"),
        (np.eye(3), r"shape \(3, 3\)"),
        ([1.0, np.inf], "infinite label"),
        ([2.0**53, 1.0], "labels such as 9007199254740992, which are not told apart"),
        (np.zeros(2, dtype="V4"), "labels of type"),
        (pd.Series([[1], [2]]), "labels that are lists"),
    ],
)
def test_refused(labels: list, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        encode_labels(labels, "here")


@pytest.mark.parametrize("dtype", ["S", object])
def test_words_may_be_bytes(dtype: object) -> None:
    codes, names = encode_labels(np.array(["Bär".encode(), b"ash ", b"ash"], dtype), "here")
    assert (codes.tolist(), names) == ([0, 1, 1], ["Bär", "ash"])
