from pathlib import Path

import numpy as np
import pytest

from kingdra_repro.data.sources.mnist import read_idx
from kingdra_repro.errors import InputError

from .small_files import idx_bytes


@pytest.mark.parametrize("shape", [(7,), (3, 4, 5), (0,)])
def test_round_trip(tmp_path: Path, shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape)).reshape(shape) % 256
    (tmp_path / "a").write_bytes(idx_bytes(values))
    np.testing.assert_array_equal(read_idx(tmp_path / "a"), values)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not an idx file"),
        (b"\x1f\x8b\x08\x00gzip", "not an idx file"),
        (bytes([0, 0, 0x0D, 1, 0, 0, 0, 1]) + b"four", "not an idx file"),
        (bytes([0, 0, 8, 3, 0, 0]), "not an idx file"),
        (idx_bytes(np.zeros((3, 4)))[:-1], "11 numbers where its header says"),
        (idx_bytes(np.zeros((3, 4))) + b"x", "13 numbers where its header says"),
    ],
)
def test_broken(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match=reason):
        read_idx(tmp_path / "a")
