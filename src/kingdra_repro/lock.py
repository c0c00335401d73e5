"""One process at a time makes a file; the others wait for it."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)


@contextmanager
def only_one(target: Path) -> Iterator[int]:
    """Hold the lock of the making of `target`; the runs of a sweep may all want it at once.

    The lock is the operating system's, so it goes with its process, however that ends. Yields its handle: a
    process that inherits it holds the lock, too.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.parent / f".{target.name}.lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("Waiting for another process that makes %s", target)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()
