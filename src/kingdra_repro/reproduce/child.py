"""One run of the plan in its own process (`kingdra_repro.programs.child`), which ends with this one.

The run stops when its standard input ends. This process holds the other end: it closes it to stop the run,
and if this process dies in any way, the operating system closes it.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from kingdra_repro.python_process import python_command

SECONDS_BETWEEN_POLLS = 0.2
SECONDS_TO_STOP = 25.0  # a run that does not stop within 20 s kills itself
COMMAND = "from kingdra_repro.programs.child import main; main()"


def run(overrides: Sequence[str], log: Path, lock: int, end: float, poll: Callable[[], None]) -> int | None:
    """Run kingdra-run with the given overrides; see `run_command`."""
    return run_command(command(overrides), log, lock, end, poll)


def command(overrides: Sequence[str]) -> list[str]:
    """Return the command line of kingdra-run with the given overrides."""
    return [*python_command(COMMAND), *overrides]


def run_command(
    command: Sequence[str],
    log: Path,
    lock: int | None,
    end: float,
    poll: Callable[[], None],
    threads: int | None = None,
) -> int | None:
    """Run a command line of kingdra-run in its own process, until it ends or `end` is reached.

    Parameters
    ----------
    log : file to which its output is appended
    lock : file descriptor of a lock that the run inherits and so holds until it has ended
    end : a time of ``time.monotonic``
    poll : called regularly during the run; an exception that it raises stops the run
    threads : number of threads; None: PyTorch's default. $OMP_NUM_THREADS takes precedence

    Returns
    -------
    int or None
        Exit status; if negative, the signal that ended the run. None if the run was stopped at `end`.
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
            start_new_session=True,  # Ctrl-C reaches only the parent process, which then stops this one
        )
    try:
        while True:
            try:
                return process.wait(SECONDS_BETWEEN_POLLS)
            except subprocess.TimeoutExpired:
                poll()
            if time.monotonic() >= end:
                return None
    finally:
        _stop(process)


def _stop(process: subprocess.Popen) -> None:
    """Stop a run and wait until it has ended; do nothing if it has ended already."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
