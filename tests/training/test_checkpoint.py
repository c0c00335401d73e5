"""What a killed run leaves."""

from pathlib import Path

import numpy as np
import pytest
import torch

from kingdra_repro.errors import InputError
from kingdra_repro.training.checkpoint import Checkpoint


def test_states_come_back(tmp_path: Path) -> None:
    Checkpoint(tmp_path / "new", "a").save("state", {"x": torch.arange(3), "epoch": 2, "rows": [{"a": 1.5}]})
    state = Checkpoint(tmp_path / "new", "a").load("state")
    assert state is not None
    assert state["epoch"] == 2
    assert torch.equal(state["x"], torch.arange(3))
    assert Checkpoint(tmp_path / "new", "a").load("other") is None


def test_numbers_of_numpy_come_back_as_python_s(tmp_path: Path) -> None:
    state = {"rows": [{"t_pos": np.int64(2)}], "groups": ({"lr": np.float64(0.001)},), np.int64(3): "key"}
    Checkpoint(tmp_path, "a").save("state", state)
    assert Checkpoint(tmp_path, "a").load("state") == state


def test_another_run_s_states_are_refused(tmp_path: Path) -> None:
    Checkpoint(tmp_path, "seed 0").save("state", {})
    with pytest.raises(InputError, match="belongs to other settings or data"):
        Checkpoint(tmp_path, "seed 1")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, "a")
    (tmp_path / "state.pt").write_bytes(b"half a file")
    with pytest.raises(InputError, match=r"state\.pt"):
        checkpoint.load("state")


def test_a_failed_write_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = Checkpoint(tmp_path, "a")
    checkpoint.save("state", {"epoch": 1})

    def full_disk(state: object, file: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(InputError, match="No space left"):
        checkpoint.save("state", {"epoch": 2})
    state = checkpoint.load("state")
    assert state is not None
    assert state["epoch"] == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.pt", "state.pt"]
