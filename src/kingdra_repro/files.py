"""File utilities: atomic writes, locks and checksums."""

import errno
import fcntl
import hashlib
import logging
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np


def atomic_write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write to a temporary file next to `path`, then rename it, so that readers never see a partial file.

    The folder must exist. `write` gets the open binary file and may also read from it. If an exception is
    raised, the temporary file is removed; the message of an OSError names `path`.
    """
    try:
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.part-")
    except OSError as error:
        error.filename = str(path)  # the temporary name means nothing to users
        raise
    try:
        with os.fdopen(handle, "w+b") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o666 & ~_umask())  # mkstemp gives 0600, but results follow the umask
        os.replace(beside, path)
    except BaseException as error:
        Path(beside).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None and error.filename in (None, beside):
            error.filename = str(path)  # the error of a full disk names no file
        raise


def remove_temporary_files(folder: Path) -> None:
    """Remove temporary files that `atomic_write` left in a folder when its process was killed."""
    for part in folder.glob(".*.part-????????"):  # mkstemp's eight characters
        part.unlink()


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    atomic_write(path, lambda file: file.write(text.encode()))


def write_table(path: Path, table: Any) -> None:
    """Write a DataFrame as CSV without its index, atomically."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def _umask() -> int:
    # The only way to read the umask is to set it.
    mask = os.umask(0)
    os.umask(mask)
    return mask


log = logging.getLogger(__name__)

_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


@contextmanager
def file_lock(target: Path) -> Iterator[int]:
    """Hold a lock while `target` is being made, because all runs of a sweep may need it at once.

    The operating system releases the lock when the process ends, however it ends. Yields the file descriptor:
    a process that inherits it holds the lock, too.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.parent / f".{target.name}.lock", "w", encoding="utf-8") as file:
        if not _lock(file.fileno()):
            log.info("Waiting for another process that makes %s", target)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


@contextmanager
def folder_lock(folder: Path) -> Iterator[bool]:
    """Lock a folder without creating a file in it; yield False if another process holds the lock."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield _lock(handle)
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    """Lock an open file or folder; return False if another process holds the lock.

    On a file system without locks, such as some network file systems, log a warning and return True.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        log.warning("There are no locks on this file system: see to it that no two runs share a folder")
    return True


def checksum(path: Path, kind: str = "sha256") -> str:
    """Compute a file's checksum, in hexadecimal digits; `kind` is the name of a hashlib algorithm."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def wrong_checksum(path: Path, expected: Sequence[str]) -> str | None:
    """Return a message if a file has none of the expected checksums, or None if it has one of them.

    Expected checksums have the form ``"sha256:9f86d0..."``, all with the same algorithm.
    """
    kind = expected[0].split(":")[0]
    found = checksum(path, kind)
    if f"{kind}:{found}" in expected:
        return None
    wanted = " or ".join(value.removeprefix(f"{kind}:") for value in expected)
    return f"wrong content: {kind} expected {wanted}, found {found} ({path.stat().st_size} bytes)"


def checksum_of_array(X: Any) -> str:
    """Compute the CRC-32 of an array's values, and of a CSR matrix's indices as well: 8 hexadecimal digits.

    The shape is not included. For a `StreamedMatrix` it is the checksum of the values in its file.
    """
    if not isinstance(X, np.ndarray) and hasattr(X, "checksum"):
        return X.checksum
    parts = (X,) if isinstance(X, np.ndarray) else (X.data, X.indices, X.indptr)  # type: ignore[union-attr]
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(memoryview(np.ascontiguousarray(part)).cast("B"), checksum)  # type: ignore[arg-type]
    return f"{checksum:08x}"
