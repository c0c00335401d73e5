"""Files: written whole or not at all, by one process at a time, and known by their checksums."""

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
    """Write a file beside `path`, then rename it: who looks sees the old file or the new one, never a part.

    The folder exists; `write` gets the open binary file, which it may read again. An OSError, where the
    folder cannot be written to, leaves nothing behind.
    """
    try:
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.part-")
    except OSError as error:
        error.filename = str(path)  # nobody knows the other name
        raise
    try:
        with os.fdopen(handle, "w+b") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o666 & ~_umask())  # mkstemp gives 0600; others may read results
        os.replace(beside, path)
    except BaseException as error:
        Path(beside).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None and error.filename in (None, beside):
            error.filename = str(path)  # a full disk does not say where
        raise


def remove_parts(folder: Path) -> None:
    """Remove what `atomic_write` had begun in a folder when its process was killed."""
    for part in folder.glob(".*.part-????????"):  # mkstemp's eight characters
        part.unlink()


def write_text(path: Path, text: str) -> None:
    """`text` as UTF-8, whole or not at all."""
    atomic_write(path, lambda file: file.write(text.encode()))


def write_table(path: Path, table: Any) -> None:
    """Write a DataFrame as CSV without its index, whole or not at all."""
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
    """Hold the lock of the making of `target`; the runs of a sweep may all want it at once.

    The lock is the operating system's, so it goes with its process, however that ends. Yields its handle: a
    process that inherits it holds the lock, too.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.parent / f".{target.name}.lock", "w", encoding="utf-8") as file:
        if not _lock(file.fileno()):
            log.info("Waiting for another process that makes %s", target)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


@contextmanager
def folder_lock(folder: Path) -> Iterator[bool]:
    """Hold the lock of a folder, in which nothing is left by that; False where another has it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield _lock(handle)
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    """Take the lock of an open file or folder, unless another process has it, which False says.

    Some network file systems have no locks: then this is all that is said of it, in a warning.
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
    """Checksum of a file's bytes, as hexadecimal digits, of a kind that hashlib knows."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def wrong_checksum(path: Path, expected: Sequence[str]) -> str | None:
    """Return what is wrong with a file's content, in words; None where it has one of the expected checksums.

    These are such as ``"sha256:9f86d0..."``; any of them will do.
    """
    kind = expected[0].split(":")[0]
    found = checksum(path, kind)
    if f"{kind}:{found}" in expected:
        return None
    wanted = " or ".join(value.removeprefix(f"{kind}:") for value in expected)
    return f"wrong content: {kind} expected {wanted}, found {found} ({path.stat().st_size} bytes)"


def checksum_of_array(X: Any) -> str:
    """CRC-32 of an array's numbers, of a CSR matrix also of where they stand: 8 hexadecimal digits.

    The shape is not part of it. Of a `StreamedMatrix` it is that of the numbers in its file.
    """
    if not isinstance(X, np.ndarray) and hasattr(X, "checksum"):
        return X.checksum
    parts = (X,) if isinstance(X, np.ndarray) else (X.data, X.indices, X.indptr)  # type: ignore[union-attr]
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(memoryview(np.ascontiguousarray(part)).cast("B"), checksum)  # type: ignore[arg-type]
    return f"{checksum:08x}"
