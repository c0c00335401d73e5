"""One run of the plan in this process, which keeps what earlier runs have imported and compiled.

A short run, as on a GPU, would otherwise spend most of its time on starting and compiling.
"""

import gc
import logging
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import FrameType

import torch

from kingdra_repro.programs import run as kingdra_run
from kingdra_repro.programs.main import Stopped

SECONDS_TO_STOP = 5.0  # then the signal is repeated, in case a library caught it


class _OutOfTime(BaseException):
    """Raised at the end of the time; a BaseException, so that error handlers do not catch it."""


def run(overrides: Sequence[str], log: Path, lock: int, end: float, poll: Callable[[], None]) -> int | None:
    """Run kingdra-run in the main thread of this process, until it is done or `end` is reached.

    At `end` the run is interrupted as by Ctrl-C, so the next call resumes from its last checkpoint. The
    parameters and the return value are those of `kingdra_repro.reproduce.child.run`, but this process already
    holds `lock`, and `poll` is not called. Raises KeyboardInterrupt if the run is interrupted from the
    keyboard, and `Stopped` if it is interrupted by SIGTERM.
    """
    with open(log, "a", encoding="utf-8") as file, redirect_stdout(file), redirect_stderr(file), _as_before():
        sys.argv = ["kingdra-run", *overrides]
        status = 0
        try:
            with _interrupted_at(end):
                kingdra_run.main()
        except SystemExit as ended:
            status = int(ended.code or 0)
        except _OutOfTime:
            return None
        except Exception:  # a bug: reported as in a process of its own
            traceback.print_exc()
            status = 1
        finally:
            gc.collect()  # the exception of a failed run holds graphs and networks
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
    if status in (130, 143):
        raise KeyboardInterrupt if status == 130 else Stopped
    return status


@contextmanager
def _interrupted_at(end: float) -> Iterator[None]:
    """Raise `_OutOfTime` in the block at `end`, and again every few seconds while the block goes on."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise _OutOfTime

    if end == float("inf"):
        yield
        return
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, max(end - time.monotonic(), 1e-3), SECONDS_TO_STOP)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _as_before() -> Iterator[None]:
    """Restore the command line and the logging, which Hydra configures, after the block."""
    arguments, root = sys.argv, logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        sys.argv = arguments
        for handler in root.handlers:
            if handler not in handlers:
                handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
