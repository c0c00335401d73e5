"""Checkpoints: saved states, damaged files, and when saves are due."""

from pathlib import Path

import numpy as np
import pytest
import torch

from kingdra_repro.errors import InputError
from kingdra_repro.training.checkpoint import Checkpoint, SaveScheduler, read_note


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


def test_every_flipped_bit_cut_and_zeroed_block_is_noticed(tmp_path: Path) -> None:
    """Damage 200 random places of the file; torch's reader alone would read most as other numbers."""
    checkpoint = Checkpoint(tmp_path, "a")
    checkpoint.save("state", {"x": torch.rand(300), "epoch": 2, "rows": [{"a": 1.5}]}, "a note")
    path = tmp_path / "state.pt"
    written, rng = path.read_bytes(), np.random.default_rng(0)
    for i in range(200):
        damaged, at = bytearray(written), int(rng.integers(len(written)))
        if i % 3 == 0:
            damaged[at] ^= 1 << int(rng.integers(8))
        elif i % 3 == 1:
            del damaged[at:]
        else:
            block = slice(at, at + int(rng.integers(1, 512)))
            damaged[block] = bytes(len(damaged[block]))
        if damaged == written:
            continue  # there were zeros before
        path.write_bytes(damaged)
        assert not checkpoint.is_complete("state")
        with pytest.raises(InputError, match=r"state\.pt is damaged"):
            checkpoint.load("state")
    path.write_bytes(written)
    assert checkpoint.is_complete("state")
    assert read_note(path) == "a note"


def test_a_file_without_a_checksum_is_no_state(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, "a")
    torch.save({"epoch": 2}, tmp_path / "state.pt")
    assert not checkpoint.is_complete("state")
    assert read_note(tmp_path / "state.pt") == ""


def test_saves_take_no_more_than_their_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    always, tenth, later = SaveScheduler(1.0), SaveScheduler(0.1), SaveScheduler(0.1, seconds=0.5)
    assert [scheduler.due() for scheduler in (always, tenth, later)] == [True, True, False]
    for scheduler in (always, tenth, later):
        now = 100.0
        with scheduler.save():
            now = 102.0
    assert [scheduler.due() for scheduler in (always, tenth)] == [True, False]
    now = 119.9
    assert not tenth.due()
    now = 120.1
    assert tenth.due()


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
