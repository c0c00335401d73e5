import logging
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from kingdra_repro.data import validate as validate_module_function
from kingdra_repro.data.validation import validate, warn_of_constant_columns
from kingdra_repro.errors import InputError

X = np.random.default_rng(0).normal(size=(20, 3))


def with_value(value: float, row: int = 7, column: int = 2) -> np.ndarray:
    changed = X.copy()
    changed[row, column] = value
    return changed


def test_it_is_public() -> None:
    assert validate_module_function is validate


def test_types() -> None:
    features, labels = validate(X, np.arange(20, dtype=np.uint8) % 4, 4)
    assert features.dtype == np.float32
    assert labels.dtype == np.int64
    assert validate(X, None, 4)[1] is None


def test_float32_is_not_copied() -> None:
    single = X.astype(np.float32)
    assert validate(single, None, 2)[0] is single


def test_memory_map_stays_one(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", X.astype(np.float32))
    features, _ = validate(np.load(tmp_path / "a.npy", mmap_mode="r"), None, 2)
    assert isinstance(features, np.memmap)


@pytest.mark.parametrize("kind", [sp.coo_matrix, sp.csc_matrix, sp.csr_array])
def test_sparse_becomes_csr(kind: type) -> None:
    features, _ = validate(kind(X), None, 2)
    assert isinstance(features, sp.csr_matrix)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features.toarray(), X, rtol=1e-6)


def test_entries_given_twice_are_summed_in_a_copy() -> None:
    twice = sp.csr_matrix((np.ones(3, np.float32), [1, 1, 0], [0, 2, 3, 3]), shape=(3, 2))
    features, _ = validate(twice, None, 2)
    assert features.toarray().tolist() == [[0, 2], [1, 0], [0, 0]]
    assert twice.nnz == 3


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("sparse", [False, True])
def test_value_that_is_not_finite(value: float, sparse: bool) -> None:
    changed = with_value(value)
    reason = "NaN" if np.isnan(value) else "infinite"
    with pytest.raises(InputError, match=f"{reason}.*row 7, column 2"):
        validate(sp.csr_matrix(changed) if sparse else changed, None, 2)
    with pytest.raises(InputError, match=f"{reason}.*row 7, column 'height'"):
        validate(changed, None, 2, feature_names=["a", "b", "height"])


def test_nan_in_a_later_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kingdra_repro.data.validation.NUMBERS_AT_ONCE", 6)
    with pytest.raises(InputError, match="row 7, column 2"):
        validate(with_value(np.nan), None, 2)


@pytest.mark.parametrize(
    ("features", "reason"),
    [
        (X[0], "Reshape your data"),
        (X.reshape(5, 4, 3), r"shape \(5, 4, 3\)"),
        (X[:0], r"0 sample\(s\)"),
        (X[:, :0], r"0 feature\(s\) \(shape=\(20, 0\)\) while a minimum of 1 is required"),
        (X + 1j, "Complex data not supported"),
        (np.full((4, 2), "a"), "not numeric"),
        (np.array([[1, "a"], [2, 3]], dtype=object), "not numeric"),
        (np.zeros((4, 2), "datetime64[s]"), "not numeric"),
    ],
)
def test_not_a_feature_matrix(features: np.ndarray, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        validate(features, None, 2)
    assert "\n" not in str(caught.value)


def test_numbers_as_objects_are_numbers() -> None:
    assert validate(X.astype(object), None, 2)[0].dtype == np.float32


@pytest.mark.parametrize(
    ("k", "reason"),
    [
        (1, "n_clusters must be an integer from 2 to .*; got 1"),
        (0, "n_clusters must be an integer from 2 to .*; got 0"),
        (21, "n_clusters must be at most n_samples=20"),
        (2.5, "n_clusters must be an integer from 2 to .*; got 2.5"),
        (True, "integer"),
    ],
)
def test_number_of_clusters(k: int, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        validate(X, None, k)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (np.zeros(19, int), r"must have shape \(20,\), .*; got \(19,\)"),
        (np.zeros((20, 1), int), r"got \(20, 1\)"),
        (np.zeros(20), "must be integers from 0"),
        (np.full(20, "a"), "must be integers from 0"),
        (np.arange(20) - 1, "must be integers from 0; got -1: give a label of each row, or none at all"),
    ],
)
def test_labels(labels: np.ndarray, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        validate(X, labels, 2)


@pytest.mark.parametrize("sparse", [False, True])
def test_constant_columns_are_reported_in_one_line(sparse: bool, caplog: pytest.LogCaptureFixture) -> None:
    constant = X.copy()
    constant[:, 1] = 3
    with caplog.at_level(logging.WARNING):
        warn_of_constant_columns(sp.csr_matrix(constant) if sparse else constant, None)
    assert [r.getMessage() for r in caplog.records] == [
        "1 of 3 columns are constant and carry no information (the first: column 1)"
    ]
