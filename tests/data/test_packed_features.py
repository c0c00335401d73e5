"""Features stored in 8 bits, read from a mirror."""

import json
from pathlib import Path

import numpy as np
import pytest

from kingdra_repro.data import load_stl
from kingdra_repro.data.download.registry import registry
from kingdra_repro.errors import InputError

from .small_files import remote

CODES = np.random.default_rng(0).integers(0, 256, (20, 2048), dtype=np.uint8)
LABELS = (np.arange(20) % 10).astype(np.uint8)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mirror" / "stl10"
    folder.mkdir(parents=True)
    np.save(folder / "features_u8.npy", CODES)
    np.save(folder / "labels.npy", LABELS)
    about = {"resize": 224, "max": 4.5, "weights_sha256": "ab" * 32}
    (folder / "features.json").write_text(json.dumps(about))
    for file in ("features_u8.npy", "labels.npy", "features.json"):
        name = f"stl10/{file}"
        monkeypatch.setitem(registry(), name, remote(name, (folder / file).read_bytes()))
    monkeypatch.setitem(registry(), "stl10/stl10_binary.tar.gz", remote("stl10/stl10_binary.tar.gz", b""))
    return tmp_path / "mirror"


@pytest.mark.parametrize("rows_at_once", [7, 4096])
def test_decoded_and_kept(mirror: Path, rows_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kingdra_repro.data.features.packed_features.ROWS_AT_ONCE", rows_at_once)
    data = load_stl(mirror=mirror)
    assert isinstance(data.X, np.memmap)
    np.testing.assert_allclose(data.X, (CODES / 255.0) ** 2 * 4.5, rtol=1e-6)
    assert data.y.tolist() == LABELS.tolist()
    np.testing.assert_array_equal(load_stl().X, data.X)  # the mirror is no longer needed


def test_other_size_needs_the_pictures(mirror: Path) -> None:
    with pytest.raises(InputError, match=r"No source has stl10/stl10_binary.tar.gz"):
        load_stl(mirror=mirror, resize=96)


def test_wrong_bytes_are_not_used(mirror: Path, own_data_folder: Path) -> None:
    np.save(mirror / "stl10" / "features_u8.npy", CODES[::-1])
    with pytest.raises(InputError, match=r"stl10_binary.tar.gz"):
        load_stl(mirror=mirror)
    assert not [path for path in own_data_folder.rglob("*") if path.is_file() and path.suffix != ".lock"]
