from pathlib import Path

import numpy as np
import pytest

from kingdra_repro.data import load_mnist
from kingdra_repro.data.download.registry import registry
from kingdra_repro.data.sources import mnist
from kingdra_repro.errors import InputError

from .conftest import FileServer
from .small_files import gz, idx_bytes, remote

RNG = np.random.default_rng(0)
ARRAYS = {
    "mnist/train-images-idx3-ubyte": RNG.integers(0, 256, (12, 28, 28)),
    "mnist/train-labels-idx1-ubyte": np.arange(12) % 10,
    "mnist/t10k-images-idx3-ubyte": RNG.integers(0, 256, (4, 28, 28)),
    "mnist/t10k-labels-idx1-ubyte": np.array([9, 8, 7, 6]),
}


@pytest.fixture
def small_mnist(monkeypatch: pytest.MonkeyPatch, server: FileServer) -> FileServer:
    """A local server with sixteen images in place of MNIST's 70,000."""
    entries = {}
    for name, values in ARRAYS.items():
        content = idx_bytes(values)
        entries[name] = remote(name, content, server.gives(f"{name}.gz", gz(content)))
    monkeypatch.setattr(mnist, "registry", lambda: entries)
    return server


def test_train_then_test_scaled_to_one(small_mnist: FileServer) -> None:
    data = load_mnist()
    pixels = np.concatenate([ARRAYS["mnist/train-images-idx3-ubyte"], ARRAYS["mnist/t10k-images-idx3-ubyte"]])
    assert data.name == "mnist"
    assert data.X.dtype == np.float32
    np.testing.assert_allclose(data.X, pixels.reshape(16, 784) / 255, rtol=1e-6)
    assert data.y.dtype == np.int64
    assert data.y.tolist() == [*range(10), 0, 1, 9, 8, 7, 6]
    assert (data.n_clusters, data.image_shape) == (10, (28, 28))


def test_four_downloads_once(small_mnist: FileServer) -> None:
    load_mnist()
    load_mnist()
    assert len(small_mnist.requested) == 4


def test_mirror_folder(small_mnist: FileServer, tmp_path: Path) -> None:
    for name, values in ARRAYS.items():
        (tmp_path / "m" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "m" / name).write_bytes(idx_bytes(values))
    assert len(load_mnist(mirror=tmp_path / "m").X) == 16
    assert small_mnist.requested == []


def test_no_source_answers(small_mnist: FileServer, own_data_folder: Path) -> None:
    small_mnist.answers.clear()
    with pytest.raises(InputError) as caught:
        load_mnist()
    message = str(caught.value)
    assert f"put it at {own_data_folder}/mnist/train-images-idx3-ubyte" in message
    assert "HTTP status 404" in message
    assert "\n" not in message


def test_fewer_clusters(small_mnist: FileServer) -> None:
    assert load_mnist(n_clusters=3).n_clusters == 3
    with pytest.raises(InputError, match="n_clusters must be at most n_samples=16; got 17"):
        load_mnist(n_clusters=17)


def test_registry_has_the_four_files_with_several_sources() -> None:
    for name in ARRAYS:
        entry = registry()[name]
        assert entry.checksums[0].startswith("sha256:")
        assert len(entry.urls) >= 2


def test_real_files(real_data: Path) -> None:
    data = load_mnist(mirror=real_data)
    assert data.X.shape == (70000, 784)
    assert data.X.min() == 0
    assert data.X.max() == 1
    assert np.bincount(data.y).tolist() == [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958]
