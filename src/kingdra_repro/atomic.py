"""Files that appear whole or not at all."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file beside `path`, then rename it: who looks sees the old file or the new one, never a part.

    Parameters
    ----------
    path : Path
        Its folder exists.
    write : callable
        Gets the open binary file.

    Raises
    ------
    OSError
        Where the folder cannot be written to; nothing is left behind.
    """
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.part-")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o666 & ~_umask())  # mkstemp gives 0600; others may read results
        os.replace(beside, path)
    except BaseException as error:
        Path(beside).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            error.filename = str(path)  # a full disk does not say where
        raise


def remove_parts(folder: Path) -> None:
    """Remove what `write_whole` had begun in a folder when its process was killed."""
    for part in folder.glob(".*.part-????????"):  # mkstemp's eight characters
        part.unlink()


def write_text(path: Path, text: str) -> None:
    """`text` as UTF-8, whole or not at all."""
    write_whole(path, lambda file: file.write(text.encode()))


def _umask() -> int:
    # The only way to read the umask is to set it.
    mask = os.umask(0)
    os.umask(mask)
    return mask
