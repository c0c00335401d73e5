"""Pictures with labels in common MATLAB files and in JULE's HDF5 file, read by dataset=custom."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from kingdra_repro.data import load_custom
from kingdra_repro.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 48), dtype=np.uint8)
LABELS = np.repeat([1, 3, 4], 4)  # as in these files: from 1, with gaps
CLASSES = np.repeat([0, 1, 2], 4)


@pytest.mark.parametrize("names", [("fea", "gnd"), ("X", "Y"), ("X", "y")])
def test_a_matlab_file(tmp_path: Path, names: tuple[str, str]) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {names[0]: PIXELS, names[1]: LABELS[:, None].astype(np.uint8)})
    data = load_custom(tmp_path / "a.mat", image_shape=[6, 8])
    assert (data.n_clusters, data.image_shape, data.X.dtype) == (3, (6, 8), np.float32)
    np.testing.assert_array_equal(data.y, CLASSES)
    np.testing.assert_allclose(data.X, PIXELS / 255, atol=1e-7)


@pytest.mark.parametrize("channels", [1, 3])
def test_jule_s_file(tmp_path: Path, channels: int) -> None:
    pixels = PIXELS.reshape(12, channels, 4, 12 // channels)
    with h5py.File(tmp_path / "data4torch.h5", "w") as file:
        file["data"], file["labels"] = pixels, LABELS.astype(np.float32)
    data = load_custom(tmp_path / "data4torch.h5")
    assert data.image_shape == ((4, 12) if channels == 1 else (4, 4, 3))
    np.testing.assert_array_equal(data.y, CLASSES)
    first = data.X[0].reshape(data.image_shape)
    np.testing.assert_allclose(first, np.moveaxis(pixels[0], 0, -1).squeeze() / 255, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.mat", {"faces": PIXELS}, r"has neither fea and gnd nor X and Y \(it has faces\)"),
        ("a.mat", None, "is not a readable .mat file"),
        ("a.h5", {"faces": PIXELS}, r"has no data set named data \(it has faces\)"),
        ("a.h5", None, "is not a readable HDF5 file"),
        ("a.h5", {"data": PIXELS.reshape(12, 2, 4, 6)}, "give them one channel or three"),
    ],
)
def test_files_that_are_none(tmp_path: Path, name: str, content: dict | None, message: str) -> None:
    path = tmp_path / name
    if content is None:
        path.write_bytes(b"not one")
    elif name == "a.mat":
        scipy.io.savemat(path, content)
    else:
        with h5py.File(path, "w") as file:
            for key, value in content.items():
                file[key] = value
    with pytest.raises(InputError, match=message):
        load_custom(path, n_clusters=3)


def test_h5py_is_asked_for_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.h5").touch()
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(InputError, match=r"needs h5py to read: pip install 'kingdra-repro\[hdf5\]'"):
        load_custom(tmp_path / "a.h5", n_clusters=2)


@pytest.mark.parametrize(
    ("name", "n", "classes", "smallest"),
    [("PIE_pose27", 2856, 68, 42), ("COIL20", 1440, 20, 72), ("UMIST", 575, 20, 19)],
)
def test_faces_and_objects(real_data: Path, name: str, n: int, classes: int, smallest: int) -> None:
    path = real_data / "faces_and_objects" / f"{name}.mat"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    data = load_custom(path, image_shape=[32, 32])
    assert (data.X.shape, data.n_clusters, data.image_shape) == ((n, 1024), classes, (32, 32))
    assert np.bincount(data.y).min() == smallest
    assert 0 <= data.X.min() < data.X.max() <= 1
