"""Real runs by `kingdra-reproduce` in its own process: after being killed, it gets the same results."""

import contextlib
import fcntl
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

MAIN = "from kingdra_repro.programs.reproduce import main; main()"
# The row that writes checkpoints.
COMMAND = ["experiments=[smoke]", "rows=Kingdra-Ladder-IM", "seeds=0", "n_jobs=1"]
# Columns that differ between repetitions.
TIMES = ["wall_seconds", "finished", "seconds"]


def start(folder: Path) -> subprocess.Popen:
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, *COMMAND],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(folder: Path) -> str:
    process = start(folder)
    printed, _ = process.communicate(timeout=600)
    assert process.returncode == 0, printed
    return printed


@pytest.fixture(scope="module")
def never_killed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("never_killed")
    assert "1 runs done" in finish(folder)
    return folder


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Return all tables of results/, the history included, without the columns in `TIMES`."""
    found = {}
    for path in sorted((folder / "results").rglob("*.csv")):
        table = pd.read_csv(path, dtype={"code": str})  # seven hexadecimal digits may look like a number
        found[str(path.relative_to(folder))] = table.drop(columns=[name for name in TIMES if name in table])
    return found


def saved(folder: Path) -> dict[Path, int]:
    """Return the existing checkpoints, and when each was written."""
    found = {}
    for path in folder.glob("outputs/*/*/*/checkpoint/**/*.pt"):
        with contextlib.suppress(FileNotFoundError):  # the run may remove it now
            found[path] = path.stat().st_mtime_ns
    return found


def wait_until(process: subprocess.Popen, reached: Callable[[], object], seconds: float) -> None:
    """Wait until `reached` returns true, the process has ended, or `seconds` have passed."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and not reached() and time.monotonic() < deadline:
        time.sleep(0.02)


def test_killed_twice(never_killed, tmp_path):
    """Killed during its run, first by a signal that cannot be handled, then by one that can."""
    statuses = []
    for kind in (signal.SIGKILL, signal.SIGINT):
        before = saved(tmp_path)
        process = start(tmp_path)
        wait_until(process, lambda before=before: saved(tmp_path) != before, 120)
        process.send_signal(kind)
        process.communicate(timeout=60)
        statuses.append(process.returncode)
    assert saved(tmp_path) or list(tmp_path.glob("outputs/*/*/*/result.json"))
    assert statuses[0] == -signal.SIGKILL
    assert statuses[1] in (0, 130, -signal.SIGINT)
    finish(tmp_path)
    ours, expected = tables(tmp_path), tables(never_killed)
    assert list(ours) == list(expected)
    for name, table in expected.items():
        pd.testing.assert_frame_equal(ours[name], table, obj=name)


def test_a_run_ends_with_the_process_that_began_it(tmp_path):
    """SIGKILL leaves the process no time to stop its run."""
    process = start(tmp_path)
    log = tmp_path / "outputs" / "logs"
    wait_until(process, lambda: list(log.glob("*.log")), 120)
    assert process.poll() is None
    process.kill()
    process.communicate(timeout=60)  # does not wait for the run, whose output goes to a log
    last = tmp_path / "outputs" / ".kingdra-reproduce.lock"
    with open(last, "r+") as file:  # the run also holds the lock, until it has ended
        fcntl.flock(file, fcntl.LOCK_EX)
    assert not list(tmp_path.glob("outputs/*/*/*/result.json"))
