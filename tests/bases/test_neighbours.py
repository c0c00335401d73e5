"""Distances to the n-th nearest neighbour, compared with scikit-learn's, and their cache."""

import logging
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.neighbors import NearestNeighbors

from kingdra_repro.bases import neighbours
from kingdra_repro.bases.neighbours import cached_neighbour_distances, neighbour_distances
from kingdra_repro.errors import InputError

N, D = 230, 12


@pytest.fixture
def X() -> np.ndarray:
    X = np.random.default_rng(0).random((N, D), dtype=np.float32)
    return np.where(X > 0.5, X, 0).astype(np.float32)


def reference(X: np.ndarray, n_neighbors: int) -> np.ndarray:
    X = X.astype(np.float64)
    return (
        NearestNeighbors(n_neighbors=n_neighbors).fit(X).kneighbors()[0][:, -1]
    )  # without X, no point is its own neighbour


@pytest.mark.parametrize("tile", [23, 229, 4096])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_as_scikit_learn_s(X: np.ndarray, tile: int, kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "TILE_ROWS", tile)
    for n_neighbors in (1, 10, N - 1):
        found = neighbour_distances(kind(X), n_neighbors)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, reference(X, n_neighbors), rtol=1e-6)


def test_far_from_the_origin_nothing_cancels(X: np.ndarray) -> None:
    far = X + np.float32(1000)
    np.testing.assert_allclose(neighbour_distances(far, 10), reference(far, 10), rtol=1e-6)


def test_equal_points_are_no_distance_apart(X: np.ndarray) -> None:
    X[:12] = X[0]
    X[20:31] = 0
    found = neighbour_distances(X + np.float32(1000 / 3), 10)
    assert (found[:12] == 0).all()
    assert (found[20:31] == 0).all()
    assert (found[31:] > 0).all()


def test_too_few_points(X: np.ndarray) -> None:
    with pytest.raises(
        InputError, match=r"the number of points, 10; got 10: give less, .* another first_base"
    ):
        neighbour_distances(X[:10], 10)


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_kept_and_found_again(X: np.ndarray, kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "CACHE_MIN_ROWS", N)
    first = cached_neighbour_distances(kind(X), 10, data_dir=tmp_path)
    assert len(list(tmp_path.glob("neighbours/10_*.npy"))) == 1
    cached_neighbour_distances(kind(X), 3, data_dir=tmp_path)
    cached_neighbour_distances(kind(X[::-1]), 10, data_dir=tmp_path)
    assert len(list(tmp_path.glob("neighbours/*"))) == 3  # another n_neighbors, other points: other files
    monkeypatch.setattr(neighbours, "neighbour_distances", None)
    np.testing.assert_array_equal(cached_neighbour_distances(kind(X), 10, data_dir=tmp_path), first)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(path.read_bytes()[:200]),
        lambda path: path.write_bytes(b""),
        lambda path: np.save(path, np.ones(N - 1, np.float32)),
        lambda path: np.save(path, np.ones(N)),
        lambda path: np.save(path, np.full(N, np.nan, np.float32)),
        lambda path: np.save(path, np.array([{}] * N), allow_pickle=True),
    ],
    ids=["cut short", "empty", "wrong length", "float64", "NaN", "objects"],
)
def test_a_broken_file_is_computed_anew(X, spoil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "CACHE_MIN_ROWS", N)
    first = cached_neighbour_distances(X, 10, data_dir=tmp_path)
    (path,) = tmp_path.glob("neighbours/*.npy")
    spoil(path)
    np.testing.assert_array_equal(cached_neighbour_distances(X, 10, data_dir=tmp_path), first)
    np.testing.assert_array_equal(np.load(path), first)


def test_where_nothing_can_be_kept_it_goes_on(
    X: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(neighbours, "CACHE_MIN_ROWS", N)
    (tmp_path / "neighbours").write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        found = cached_neighbour_distances(X, 10, data_dir=tmp_path)
    np.testing.assert_array_equal(found, neighbour_distances(X, 10))
    assert "are not kept" in caplog.text


def test_those_of_few_points_are_not_kept(X: np.ndarray, tmp_path: Path) -> None:
    cached_neighbour_distances(X, 10, data_dir=tmp_path)
    assert not list(tmp_path.iterdir())


class AllPairs:
    """An exact stand-in for pynndescent.NNDescent; as there, each point is among its own neighbours."""

    def __init__(self, X, n_neighbors: int, **more) -> None:
        distances, index = NearestNeighbors(n_neighbors=n_neighbors).fit(X).kneighbors(X)
        self.neighbor_graph = index[:, ::-1], distances[:, ::-1]


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_many_points_have_approximate_neighbours(X: np.ndarray, kind, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(neighbours, "EXACT_UP_TO", N - 1)
    monkeypatch.setattr(neighbours, "CACHE_MIN_ROWS", 1)
    monkeypatch.setattr(neighbours, "find_spec", lambda name: name)
    monkeypatch.setitem(sys.modules, "pynndescent", SimpleNamespace(NNDescent=AllPairs))
    found = cached_neighbour_distances(kind(X), 10, data_dir=tmp_path)
    np.testing.assert_allclose(found, reference(X, 10), rtol=1e-5)
    (kept,) = (tmp_path / "neighbours").iterdir()
    assert kept.name.startswith("approximate_10_")


def test_many_points_are_compared_where_the_extra_is_not_there(
    X, tmp_path: Path, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(neighbours, "EXACT_UP_TO", N - 1)
    monkeypatch.setattr(neighbours, "CACHE_MIN_ROWS", 1)
    monkeypatch.setattr(neighbours, "find_spec", lambda name: None)
    np.testing.assert_array_equal(
        cached_neighbour_distances(X, 10, data_dir=tmp_path), neighbour_distances(X, 10)
    )
    assert "pip install 'kingdra-repro[neighbours]'" in caplog.text
