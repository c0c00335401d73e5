"""Atomic writes and locks; history.csv and the seconds of work of an interrupted run."""

import errno
import shutil
from pathlib import Path

import numpy as np
import pytest

from kingdra_repro.errors import InputError
from kingdra_repro.files import atomic_write, file_lock, remove_temporary_files
from kingdra_repro.runs import monitor
from kingdra_repro.runs.folder import exclusive_run
from kingdra_repro.runs.graph_files import GraphSample
from kingdra_repro.runs.members import Members
from kingdra_repro.runs.monitor import History, Stopwatch
from kingdra_repro.runs.votes import answer_votes


def test_a_file_is_whole_or_absent(tmp_path):
    def fail(file):
        file.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        atomic_write(tmp_path / "result.json", fail)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b""), lambda path: _overwrite(path)])
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("members.npz", Members.read),
        ("votes.npz", lambda path: answer_votes(path.parent)),
        ("graph_sample.json", GraphSample.read),
    ],
)
def test_a_damaged_file_is_named(name, read, damage, tmp_path):
    path = tmp_path / name
    with path.open("wb") as file:
        np.savez_compressed(file, answer=np.arange(500) % 7)
    damage(path)
    with pytest.raises(InputError, match=f"{name} is damaged, .*: remove it, or make the run again"):
        read(path)


def _overwrite(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[60:80] = bytes(range(200, 220))
    path.write_bytes(content)


def test_a_file_system_without_locks_is_told_of_and_worked_on(tmp_path, monkeypatch, caplog):
    def none(handle, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    with file_lock(tmp_path / "x"), exclusive_run(tmp_path):
        pass
    assert [record.message[:38] for record in caplog.records] == [
        "There are no locks on this file system"
    ] * 2


def test_history_grows_by_a_row_a_phase(tmp_path):
    history = History(tmp_path / "history.csv")
    history.add({"iteration": 0, "loss": 0.1})
    history.add({"iteration": 1, "loss": 1 / 3, "supervised": None})
    assert (tmp_path / "history.csv").read_text() == (
        "iteration,loss,supervised\n0,0.1,\n1,0.3333333333333333,\n"
    )


def test_history_goes_on_where_the_checkpoint_was(tmp_path):
    """Rows of the killed run are kept unchanged, up to the phase that is repeated."""
    path = tmp_path / "history.csv"
    path.write_text("iteration,loss\n0,0.10\n1,0.20\n2,0.30\n")
    History(path).add({"iteration": 1, "loss": 0.25})
    assert path.read_text() == "iteration,loss\n0,0.10\n1,0.25\n"


def test_seconds_add_up_over_parts(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(monitor.time, "monotonic", lambda: now[0])
    first = Stopwatch(tmp_path / "seconds")
    now[0] += 1
    first.tick()
    assert not (tmp_path / "seconds").exists()  # too soon
    now[0] += 6
    first.tick()
    now[0] += 1000  # killed, and resumed a long time later
    second = Stopwatch(tmp_path / "seconds")
    now[0] += 3
    assert second.seconds() == pytest.approx(10)


def test_only_parts_of_files_are_removed(tmp_path):
    """A folder that the user chose may also hold the user's own files."""
    (tmp_path / ".env-template").write_text("mine")
    (tmp_path / ".vscode-insiders").mkdir()

    def killed(file):
        shutil.copytree(tmp_path, tmp_path.with_name("left"))  # as a kill would leave it

    atomic_write(tmp_path / "iterations.png", killed)
    left = tmp_path.with_name("left")
    assert len(list(left.iterdir())) == 3
    remove_temporary_files(left)
    assert {path.name for path in left.iterdir()} == {".env-template", ".vscode-insiders"}


def test_others_may_read_what_is_written(tmp_path):
    atomic_write(tmp_path / "result.json", lambda file: file.write(b"{}"))
    (tmp_path / "plain").write_text("")
    assert (tmp_path / "result.json").stat().st_mode == (tmp_path / "plain").stat().st_mode
