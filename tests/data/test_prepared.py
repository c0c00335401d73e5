import json
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from kingdra_repro.data.features.prepared import prepared_folder, read_prepared, write_prepared
from kingdra_repro.errors import InputError
from kingdra_repro.files import checksum

X = np.random.default_rng(0).random((6, 4), dtype=np.float32)


@pytest.mark.parametrize("sparse", [False, True])
def test_round_trip(tmp_path: Path, sparse: bool) -> None:
    write_prepared(tmp_path / "t", sp.csr_matrix(X) if sparse else X, np.arange(6), {"kind": "test"})
    found, y, about = read_prepared(tmp_path / "t")
    np.testing.assert_array_equal(found.toarray() if sp.issparse(found) else found, X)
    assert y.tolist() == list(range(6))
    assert {"kind": "test", "n": 6, "d": 4}.items() <= about.items()
    for name, expected in about["sha256"].items():
        assert checksum(tmp_path / "t" / name) == expected
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_second_to_finish_leaves_the_first_alone(tmp_path: Path) -> None:
    write_prepared(tmp_path / "t", X, None, {"who": 1})
    write_prepared(tmp_path / "t", X, None, {"who": 2})
    assert json.loads((tmp_path / "t" / "about.json").read_text())["who"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_a_name_for_each_choice_of_settings(tmp_path: Path) -> None:
    names = {prepared_folder(tmp_path, "s", "k", {"a": a, "b": 1}).name for a in range(3)}
    assert len(names) == 3
    assert prepared_folder(tmp_path, "s", "k", {"b": 1, "a": 0}).name in names


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("")
    with pytest.raises(InputError, match="Cannot write to the data folder"):
        write_prepared(tmp_path / "occupied" / "t", X, None, {})


@pytest.mark.parametrize("name", ["train_X.npy", "about.json"])
def test_a_damaged_folder_is_reported_with_its_remedy(name: str, tmp_path: Path) -> None:
    X = np.random.default_rng(0).random((40, 30), dtype=np.float32)
    write_prepared(tmp_path / "made", X, None, {})
    content = (tmp_path / "made" / name).read_bytes()
    (tmp_path / "made" / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"made is damaged .*: remove it, and it will be made again"):
        read_prepared(tmp_path / "made")
