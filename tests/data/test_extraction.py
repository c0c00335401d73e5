"""Feature extraction: the same bytes whether or not it was killed and resumed."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from kingdra_repro.data.features import extraction
from kingdra_repro.data.features.extraction import Extraction, extract_features
from kingdra_repro.data.features.pictures import PictureArray
from kingdra_repro.data.features.prepared import read_prepared
from kingdra_repro.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (14, 32, 32, 3), dtype=np.uint8)


class Killed(BaseException):
    """Simulates that the process is killed."""


class PicturesThatEnd(PictureArray):
    """Pictures that raise `Killed` at the batch that starts at `dies_at`, and record the batches read."""

    def __init__(self, pixels: np.ndarray, dies_at: int | None = None) -> None:
        super().__init__(pixels)
        self.dies_at = dies_at
        self.read: list[int] = []

    def batch(self, start: int, stop: int, size: int) -> Tensor:
        if start == self.dies_at:
            raise Killed
        self.read.append(start)
        return super().batch(start, stop, size)


@pytest.fixture(autouse=True)
def note_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "SECONDS_BETWEEN_NOTES", -1.0)


def extract(pictures: PictureArray, target: Path, weights: Path, **settings) -> None:
    given = {"resize": 32, "batch_size": 4, "device": "cpu", **settings}
    extract_features(pictures, np.arange(14) % 3, target, weights, {"dataset": "t"}, Extraction(**given))


def test_features_labels_and_about(tmp_path: Path, weights: Path) -> None:
    extract(PictureArray(PIXELS), tmp_path / "t", weights)
    X, y, about = read_prepared(tmp_path / "t")
    assert isinstance(X, np.memmap)
    assert (X.shape, X.dtype) == ((14, 2048), np.float32)
    assert y.tolist() == (np.arange(14) % 3).tolist()
    wanted = {"dataset": "t", "n": 14, "d": 2048, "resize": 32, "dtype": "float32", "precision": "float32"}
    assert wanted.items() <= about.items()
    assert {"sha256", "version", "commit"} <= about.keys()
    network = extraction.load_resnet50(weights)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (extraction.IMAGENET_MEAN, extraction.IMAGENET_STD))
    with torch.inference_mode():
        alone = network((PictureArray(PIXELS).batch(5, 6, 32) - mean) / std)
    np.testing.assert_allclose(X[5:6], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dies_at", [0, 4, 12])
def test_killed_and_started_again_gives_the_same_bytes(tmp_path: Path, weights: Path, dies_at: int) -> None:
    extract(PictureArray(PIXELS), tmp_path / "whole", weights)
    with pytest.raises(Killed):
        extract(PicturesThatEnd(PIXELS, dies_at), tmp_path / "t", weights)
    assert not (tmp_path / "t").exists()
    rest = PicturesThatEnd(PIXELS)
    extract(rest, tmp_path / "t", weights)
    assert rest.read == list(range(dies_at, 14, 4))
    for file in ("train_X.npy", "train_Y.npy"):
        assert (tmp_path / "t" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    assert {path.name for path in (tmp_path / "t").iterdir()} == {"train_X.npy", "train_Y.npy", "about.json"}
    assert not list(tmp_path.glob(".*.part"))


def test_a_broken_picture_leaves_nothing_behind(tmp_path: Path, weights: Path) -> None:
    class Broken(PictureArray):
        def batch(self, start: int, stop: int, size: int) -> torch.Tensor:
            if start == 8:
                raise InputError("a.png is not a complete picture")
            return super().batch(start, stop, size)

    with pytest.raises(InputError, match=r"a\.png"):
        extract(Broken(PIXELS), tmp_path / "t", weights)
    assert not list(tmp_path.glob("*t*.part"))
    assert not (tmp_path / "t").exists()


def test_other_settings_start_anew(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(Killed):
        extract(PicturesThatEnd(PIXELS, 8), tmp_path / "t", weights)
    pictures = PicturesThatEnd(PIXELS)
    extract(pictures, tmp_path / "t", weights, batch_size=7)
    assert pictures.read == [0, 7]


@pytest.mark.parametrize("note", ["", "{", '{"done": "x"}', "{}"])
def test_unreadable_note_starts_anew(tmp_path: Path, weights: Path, note: str) -> None:
    with pytest.raises(Killed):
        extract(PicturesThatEnd(PIXELS, 8), tmp_path / "t", weights)
    (tmp_path / ".t.part" / "done.json").write_text(note)
    pictures = PicturesThatEnd(PIXELS)
    extract(pictures, tmp_path / "t", weights)
    assert pictures.read == [0, 4, 8, 12]


def test_never_done_twice(tmp_path: Path, weights: Path) -> None:
    extract(PictureArray(PIXELS), tmp_path / "t", weights)
    extract(PicturesThatEnd(PIXELS, 0), tmp_path / "t", weights)


def test_float16_and_bfloat16(tmp_path: Path, weights: Path) -> None:
    extract(PictureArray(PIXELS), tmp_path / "t", weights)
    extract(PictureArray(PIXELS), tmp_path / "u", weights, dtype="float16", precision="bfloat16")
    X, Z = read_prepared(tmp_path / "t")[0], read_prepared(tmp_path / "u")[0]
    assert Z.dtype == np.float16
    assert np.linalg.norm(Z - X) < 0.1 * np.linalg.norm(X)
    assert json.loads((tmp_path / "u" / "about.json").read_text())["precision"] == "bfloat16"


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("resize", 16, "dataset.resize must be an integer of at least 32; got 16"),
        ("batch_size", 0, "dataset.batch_size must be an integer of at least 1; got 0"),
        ("dtype", "int8", "dataset.dtype must be one of float32, float16; got 'int8'"),
        ("precision", "float8", "precision must be .*; got 'float8'"),
        ("device", "cuda:99", "device=cuda:99 is not available on this machine"),
        ("device", "abacus", "device=abacus is not available on this machine"),
    ],
)
def test_settings_out_of_range(
    tmp_path: Path, weights: Path, setting: str, value: object, reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        extract(PictureArray(PIXELS), tmp_path / "t", weights, **{setting: value})
