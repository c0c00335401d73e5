"""One run of the plan in a process of its own (`kingdra_repro.programs.child`), which ends with this one.

The run stops when its standard input ends. This process holds the other end: it closes it to stop the run,
and however it dies, the system closes it.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from kingdra_repro.python_process import python_command

SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_TO_STOP = 25.0  # a run that does not stop by itself ends itself after 20
COMMAND = "from kingdra_repro.programs.child import main; main()"


def run(overrides: Sequence[str], log: Path, lock: int, end: float, look: Callable[[], None]) -> int | None:
    """Run kingdra-run with some overrides, as `run_command` does."""
    return run_command(command(overrides), log, lock, end, look)


def command(overrides: Sequence[str]) -> list[str]:
    """Return the command line of kingdra-run with some overrides."""
    return [*python_command(COMMAND), *overrides]


def run_command(
    command: Sequence[str],
    log: Path,
    lock: int | None,
    end: float,
    look: Callable[[], None],
    threads: int | None = None,
) -> int | None:
    """Run a command line of kingdra-run in a process of its own, until it is done or `end` is reached.

    Parameters
    ----------
    log : what it prints is added to this file
    lock : handle of a lock that the run holds, too, until it has ended
    end : a time of ``time.monotonic``
    look : called now and then while the run goes on; what it raises stops the run
    threads : of its process; None: as many as PyTorch takes. $OMP_NUM_THREADS wins

    Returns
    -------
    int or None
        Exit status, negative: the signal that ended it. None where it was stopped at `end`.
    """
    environment = {"OMP_NUM_THREADS": str(threads), **os.environ} if threads else None
    with open(log, "ab") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
            pass_fds=[] if lock is None else [lock],
            start_new_session=True,  # Ctrl-C reaches the first process alone, which then stops this one
        )
    try:
        while True:
            try:
                return process.wait(SECONDS_BETWEEN_LOOKS)
            except subprocess.TimeoutExpired:
                look()
            if time.monotonic() >= end:
                return None
    finally:
        _stop(process)


def _stop(process: subprocess.Popen) -> None:
    """Stop a run, and wait until it has ended; nothing where it has already."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
