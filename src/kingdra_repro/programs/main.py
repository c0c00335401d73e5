"""What all programs share: exit statuses, signal handling, and user errors reported in one line.

Nothing heavy is imported here, because ``--help`` and tab completion use this module.
"""

import atexit
import errno
import gc
import io
import logging
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from kingdra_repro.errors import InputError
from kingdra_repro.version import package_version

STOPPED = "stopped; the same command goes on from what was saved, if anything was"


class Stopped(KeyboardInterrupt):
    """SIGTERM (the time limit of a batch system, `kill`, a container's stop) or SIGHUP; acts like Ctrl-C."""


_asked: list[type[KeyboardInterrupt]] = []  # the signals that this program received


def find_interrupt(error: BaseException | None) -> KeyboardInterrupt | None:
    """Return the interrupt that caused an exception, if any.

    A library that is interrupted while it is imported may raise an ImportError of its own, which may or may
    not have the interrupt as its cause.
    """
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return error
        error = error.__cause__ or error.__context__
    return _asked[-1]() if _asked else None


def error_line(error: BaseException) -> str | None:
    """Return the message for a file that cannot be used or a user error, in one line; otherwise None."""
    if isinstance(error, OSError) and error.filename is not None:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "free space" if full else "correct the path, or give another"
        return f"{error.filename}: {error.strerror}; {remedy}"
    return " ".join(str(error).split()) if isinstance(error, InputError) else None


def main(
    program: str,
    work: Callable[[], int],
    user_message: Callable[[BaseException], str | None] = error_line,
) -> NoReturn:
    """Run a program and exit; if ``--version`` is the only argument, print the version.

    Exit statuses: what `work` returns; 2 for a user error, for which `user_message` returns a line (None: it
    is a bug, and is raised); 130 for Ctrl-C and 143 for SIGTERM, as in shells, and for SIGHUP; 1 if standard
    output was closed (``| head``).
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that is not UTF-8 gets "\\xb7" for a dot
            stream.reconfigure(errors="backslashreplace")
    _asked.clear()
    atexit.register(gc.freeze)  # else the garbage collection at exit takes seconds if torch is imported
    logging.raiseExceptions = False  # no traceback if the disk has no space for the log
    before = {
        number: signal.signal(number, handler)
        for number, handler in (
            (signal.SIGINT, _interrupt),
            (signal.SIGTERM, _terminate),
            (signal.SIGHUP, _terminate),  # its terminal is closed
        )
        if signal.getsignal(number) is not signal.SIG_IGN  # a shell's background jobs and nohup ignore it
    }
    try:
        if sys.argv[1:] == ["--version"]:
            print(program, package_version())
            status = 0
        else:
            status = work()
        sys.stdout.flush()
    except KeyboardInterrupt as stop:
        status = _stopped(program, stop)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for output at exit
        status = 1
    except Exception as error:
        if (stopped := find_interrupt(error)) is not None:
            status = _stopped(program, stopped)
        elif (line := user_message(error)) is not None:
            complain(program, line)
            status = 2
        else:
            raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        logging.raiseExceptions = True
    sys.exit(status)


def _stopped(program: str, stop: KeyboardInterrupt) -> int:
    complain(program, str(stop) or STOPPED)  # a run says what was saved
    return 143 if isinstance(stop, Stopped) else 130


def complain(program: str, line: str) -> None:
    """Write a line to standard error, whatever its encoding is."""
    encoding = sys.stderr.encoding or "utf-8"
    text = f"{program}: {line}".encode(encoding, "backslashreplace").decode(encoding)
    print(text, file=sys.stderr)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    _asked.append(KeyboardInterrupt)
    raise KeyboardInterrupt


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    _asked.append(Stopped)
    raise Stopped
