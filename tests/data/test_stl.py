from pathlib import Path

import numpy as np
import pytest

from kingdra_repro.data import load_stl
from kingdra_repro.data.sources.stl import read_stl
from kingdra_repro.errors import InputError

from .small_files import tar_bytes

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (5, 96, 96, 3), dtype=np.uint8)
LABELS = np.array([0, 9, 3, 3, 7])


def files() -> dict[str, bytes]:
    """Return STL-10's files of 3 training and 2 test pictures: column-major colour planes, labels from 1."""
    stored = PIXELS.transpose(0, 3, 2, 1)
    return {
        "train_X.bin": stored[:3].tobytes(),
        "train_y.bin": (LABELS[:3] + 1).astype(np.uint8).tobytes(),
        "test_X.bin": stored[3:].tobytes(),
        "test_y.bin": (LABELS[3:] + 1).astype(np.uint8).tobytes(),
    }


@pytest.fixture(params=["folder", "archive"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "archive":
        members = {f"stl10_binary/{name}": content for name, content in files().items()}
        (tmp_path / "a.tar.gz").write_bytes(tar_bytes({**members, "stl10_binary/unlabeled_X.bin": b"x"}))
        return tmp_path / "a.tar.gz"
    for name, content in files().items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_read(source: Path) -> None:
    pictures, labels = read_stl(source)
    np.testing.assert_array_equal(pictures.pixels, PIXELS)
    np.testing.assert_array_equal(labels, LABELS)


def test_load(source: Path, weights: Path) -> None:
    data = load_stl(images=source, weights=weights, resize=32, n_clusters=3)
    assert data.X.shape == (5, 2048)
    assert data.y.tolist() == LABELS.tolist()
    assert len(data.pictures) == 5
    shown = data.pictures.batch(3, 5, 96).permute(0, 2, 3, 1)
    np.testing.assert_allclose(shown, PIXELS[3:] / 255, atol=1e-6)


def test_the_home_folder_may_be_written_as_a_tilde(
    source: Path, tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    data = load_stl(images=Path("~") / source.relative_to(tmp_path), weights=weights, resize=32, n_clusters=3)
    assert len(data.X) == 5


def test_user_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"dataset.images=.* does not exist"):
        load_stl(images=tmp_path / "nowhere")
    for name, content in files().items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "test_X.bin").write_bytes(b"short")
    with pytest.raises(InputError, match=r"test_X.bin \(5 bytes\) does not fit the 2 labels"):
        read_stl(tmp_path)
    (tmp_path / "train_y.bin").unlink()
    with pytest.raises(InputError, match=r"has no train_y.bin"):
        read_stl(tmp_path)
