"""Copies, in the data folder, of a user's files that cannot be read row by row; each is written once."""

import errno
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from kingdra_repro.data.download.folder import data_folder
from kingdra_repro.errors import InputError
from kingdra_repro.files import atomic_write, file_lock

log = logging.getLogger(__name__)


def cached_copy(
    path: Path,
    ending: str,
    n_bytes: int,
    write: Callable[[BinaryIO], object],
    data_dir: str | os.PathLike | None,
    *,
    files: Sequence[Path] = (),
    about: Any = None,
) -> Path:
    """Return the path of a file's copy below ``streamed/`` in the data folder, writing it if necessary.

    The name of the copy contains a hash of the files' paths, sizes and modification times and of `about`, so
    that a new copy is made if they change.

    Parameters
    ----------
    path : Path
        A file, or a folder of ``files``.
    ending : str
        Suffix of the copy, such as ".npy".
    n_bytes : int
        Size of the copy.
    write : callable
        Writes the copy to an open binary file.
    about : JSON-serialisable
        What else the content of the copy depends on.

    Raises
    ------
    InputError
        If the copy cannot be written, for example because the disk is full.
    """
    sources = [(str(file), (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files or [path]]
    digest = hashlib.sha256(json.dumps([sources, about]).encode()).hexdigest()[:16]
    copy = data_folder(data_dir) / "streamed" / f"{path.stem}-{digest}{ending}"
    with file_lock(copy):
        if not copy.exists():
            for part in copy.parent.glob(f".{copy.name}.part-*"):  # left over from a killed run
                part.unlink()
            log.warning("%s is copied once, in blocks, to %s (%.1f GB)", path, copy, n_bytes / 1e9)
            try:
                if shutil.disk_usage(copy.parent).free < n_bytes:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                atomic_write(copy, write)
            except OSError as error:
                raise InputError(
                    f"{copy} cannot be written ({error.strerror}): it takes {n_bytes / 1e9:.1f} GB; free "
                    "them, or give data_dir=FOLDER on another disk"
                ) from error
    return copy
