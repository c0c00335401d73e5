import bz2
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from kingdra_repro.data import load_usps
from kingdra_repro.data.download.registry import registry
from kingdra_repro.data.sources.usps import read_usps_matlab, read_usps_svmlight
from kingdra_repro.errors import InputError

from .conftest import FileServer
from .small_files import remote

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 256), dtype=np.uint8)
DIGITS = np.arange(12) % 10


def svmlight(rows: slice) -> bytes:
    """Return rows as LIBSVM has them: digit + 1, then pixels from -1 to 1."""
    lines = []
    for digit, pixels in zip(DIGITS[rows], PIXELS[rows], strict=True):
        numbers = " ".join(f"{i}:{2 * p / 255 - 1:.6f}" for i, p in enumerate(pixels.tolist(), start=1))
        lines.append(f"{digit + 1} {numbers}\n")
    return bz2.compress("".join(lines).encode())


def test_matlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "usps" / "usps_all.mat"
    file.parent.mkdir()
    scipy.io.savemat(file, {"usps_all": np.column_stack([PIXELS, DIGITS + 1]).astype(np.uint8)})
    monkeypatch.setitem(registry(), "usps/usps_all.mat", remote("usps/usps_all.mat", file.read_bytes()))
    data = load_usps(mirror=tmp_path)
    np.testing.assert_allclose(data.X, PIXELS / 255, rtol=1e-6)
    assert data.y.tolist() == DIGITS.tolist()
    assert (data.n_clusters, data.image_shape) == (10, (16, 16))


def test_libsvms_files_are_downloaded(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, rows in (("usps/usps.bz2", slice(0, 8)), ("usps/usps.t.bz2", slice(8, 12))):
        content = svmlight(rows)
        monkeypatch.setitem(registry(), name, remote(name, content, server.gives(name, content)))
    data = load_usps()
    np.testing.assert_allclose(data.X, PIXELS / 255, atol=1e-5)
    assert data.y.tolist() == DIGITS.tolist()


def test_not_the_right_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"not this")
    with pytest.raises(InputError, match="no matrix usps_all"):
        read_usps_matlab(tmp_path / "a")
    with pytest.raises(InputError, match="not a file of LIBSVM"):
        read_usps_svmlight(tmp_path / "a")
    scipy.io.savemat(tmp_path / "b.mat", {"usps_all": np.zeros((3, 4))})
    with pytest.raises(InputError, match=r"shape \(3, 4\)"):
        read_usps_matlab(tmp_path / "b.mat")


def test_real_files(real_data: Path) -> None:
    data = load_usps(mirror=real_data)
    assert data.X.shape == (9298, 256)
    assert np.bincount(data.y).tolist() == [1553, 1269, 929, 824, 852, 716, 834, 792, 708, 821]
