from pathlib import Path

import numpy as np
import pytest

from kingdra_repro.data import load_cifar10
from kingdra_repro.data.download.folder import data_folder
from kingdra_repro.data.download.registry import registry
from kingdra_repro.data.sources.cifar10 import read_cifar10
from kingdra_repro.errors import InputError

from .conftest import FileServer
from .small_files import cifar10_archive, remote, tar_bytes

ARCHIVE, PIXELS, LABELS = cifar10_archive()


def test_read(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(ARCHIVE)
    pictures, labels = read_cifar10(tmp_path / "a.tar.gz")
    np.testing.assert_array_equal(pictures.pixels, PIXELS.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(labels, LABELS)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"other": b""}, "has no cifar-10-batches-bin/data_batch_1.bin"),
        ({f"cifar-10-batches-bin/data_batch_{i}.bin": bytes(3072) for i in range(1, 6)}, "broken"),
    ],
)
def test_broken(tmp_path: Path, files: dict[str, bytes], reason: str) -> None:
    (tmp_path / "a.tar.gz").write_bytes(tar_bytes(files))
    with pytest.raises(InputError, match=reason):
        read_cifar10(tmp_path / "a.tar.gz")


def test_from_download_to_features_once(
    weights: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = weights.read_bytes()
    for name, file in (
        ("cifar10/cifar-10-binary.tar.gz", ARCHIVE),
        ("resnet50/resnet50-0676ba61.pth", content),
    ):
        monkeypatch.setitem(registry(), name, remote(name, file, server.gives(name, file)))
    monkeypatch.delitem(registry(), "cifar10/features_u8.npy")
    data = load_cifar10(resize=32)
    assert isinstance(data.X, np.memmap)
    assert data.X.shape == (18, 2048)
    assert data.y.tolist() == LABELS.tolist()
    assert data.n_clusters == 10
    asked = len(server.requested)
    again = load_cifar10(resize=32)
    np.testing.assert_array_equal(again.X, data.X)
    shown = again.pictures.batch(0, 18, 32)
    np.testing.assert_allclose(shown, PIXELS / 255, atol=1e-6)
    assert len(server.requested) == asked == 2
    data_folder().joinpath("cifar10/cifar-10-binary.tar.gz").unlink()
    assert load_cifar10(resize=32).pictures is None  # not downloaded again to show pictures


def test_own_pictures_and_weights(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.tar.gz").write_bytes(ARCHIVE)
    monkeypatch.setenv("HOME", str(tmp_path))
    data = load_cifar10(images="~/a.tar.gz", weights=weights, resize=32, dtype="float16")
    assert data.X.dtype == np.float32
    assert data.X.shape == (18, 2048)


def test_user_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"dataset.images=nowhere"):
        load_cifar10(images="nowhere")
    with pytest.raises(InputError, match=r"weights=nowhere"):
        load_cifar10(weights="nowhere")
