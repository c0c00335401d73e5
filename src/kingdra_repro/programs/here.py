"""One run of the plan in this process: what an earlier run has imported and compiled is there already.

Where a run is short, as on a GPU, most of its time would else go into starting and compiling.
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

# With all that a run imports: an import that is interrupted halfway is not made good by the next one.
from kingdra_repro.programs import run as kingdra_run
from kingdra_repro.programs.main import Stopped

SECONDS_TO_STOP = 5.0  # then it is signalled again: what a library catches does not stop a run


class _OutOfTime(BaseException):
    """Like KeyboardInterrupt: nothing that handles errors handles it."""


def run(overrides: Sequence[str], log: Path, lock: int, end: float, look: Callable[[], None]) -> int | None:
    """Run kingdra-run in this process, which has to be the main thread, until it is done or `end` is reached.

    It is interrupted as by Ctrl-C, so that it resumes from its last checkpoint when it is run again.
    Parameters, and what is returned, are those of `kingdra_repro.reproduce.child.run`; `lock` is held by this
    process already, and `look` is not called. A run that was interrupted from the keyboard raises
    KeyboardInterrupt, by SIGTERM `Stopped`.
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
        except Exception:  # a defect of the program: reported as it is where the run has a process of its own
            traceback.print_exc()
            status = 1
        finally:
            gc.collect()  # graphs and networks of a run that failed are held by its exception
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
    if status in (130, 143):
        raise KeyboardInterrupt if status == 130 else Stopped
    return status


@contextmanager
def _interrupted_at(end: float) -> Iterator[None]:
    """Raise `_OutOfTime` within, at `end`, and again where that did not help."""

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
    """Restore the command line and what Hydra sets for its logging afterwards."""
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
