"""The authors' feature files, or any pair train_X.npy and train_Y.npy."""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from kingdra_repro.data import load_cifar10, load_mnist, load_newsgroups, load_reuters, load_stl
from kingdra_repro.errors import InputError

RNG = np.random.default_rng(0)


def write_pair(folder: Path, X: np.ndarray, y: np.ndarray) -> Path:
    folder.mkdir(parents=True)
    np.save(folder / "train_X.npy", X)
    np.save(folder / "train_Y.npy", y)
    return folder


@pytest.mark.parametrize(
    ("load", "published_as"),
    [
        (load_mnist, "mnist"),
        (load_stl, "stl10"),
        (load_cifar10, "cifar10"),
        (load_reuters, "reuters"),
        (load_newsgroups, "20_news"),
    ],
)
def test_every_data_set_takes_the_authors_folder(tmp_path: Path, load, published_as: str) -> None:
    X, y = RNG.random((20, 6)), np.arange(20) % 4
    write_pair(tmp_path / published_as, X, y)
    for place in (tmp_path, tmp_path / published_as):
        data = load(features=place)
        assert data.n_clusters == 4
        assert data.y.tolist() == y.tolist()
        assert data.X.dtype == np.float32
        dense = data.X.toarray() if sp.issparse(data.X) else data.X
        np.testing.assert_allclose(dense, X, rtol=1e-6)
        assert sp.issparse(data.X) == (load in (load_reuters, load_newsgroups))


def test_words_in_float16(tmp_path: Path) -> None:
    X = RNG.random((20, 6)).astype(np.float16)
    data = load_reuters(features=write_pair(tmp_path / "p", X, np.arange(20) % 4))
    np.testing.assert_array_equal(data.X.toarray(), X)


def test_float32_is_memory_mapped(tmp_path: Path) -> None:
    folder = write_pair(tmp_path / "p", RNG.random((20, 6), dtype=np.float32), np.arange(20) % 2)
    assert isinstance(load_stl(features=folder).X, np.memmap)


def test_pictures_and_one_hot_labels(tmp_path: Path) -> None:
    y = np.arange(10) % 5
    folder = write_pair(tmp_path / "p", RNG.random((10, 28, 28), dtype=np.float32), np.eye(5)[y])
    data = load_mnist(features=folder, n_clusters=7)
    assert data.X.shape == (10, 784)
    assert data.image_shape == (28, 28)
    assert data.y.tolist() == y.tolist()
    assert data.n_clusters == 7


def test_user_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"features=.*there is no train_X.npy"):
        load_stl(features=tmp_path)
    np.save(tmp_path / "train_X.npy", RNG.random((4, 2)))
    with pytest.raises(InputError, match=r"no train_Y.npy"):
        load_stl(features=tmp_path)
    np.save(tmp_path / "train_Y.npy", np.arange(3))
    with pytest.raises(InputError, match=r"must have shape \(4,\), .*; got \(3,\)"):
        load_stl(features=tmp_path)
    np.save(tmp_path / "train_X.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="never unpickled"):
        load_stl(features=tmp_path)
