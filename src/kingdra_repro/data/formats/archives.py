"""Read files from an untrusted tar archive: nothing is written to disk, and links are not followed."""

import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from kingdra_repro.errors import InputError

MAX_MEMBER_BYTES = 4 << 30  # the largest in STL-10 (its pictures without labels) has 2.8 GB


def archive_files(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of each regular file of a tar archive whose name `wanted` accepts.

    The archive may have any compression that tarfile supports, and is read once from start to end.

    Raises
    ------
    InputError
        If the archive is broken, or a wanted file is larger than `MAX_MEMBER_BYTES`.
    """
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                if member.isreg() and wanted(member.name):
                    if member.size > MAX_MEMBER_BYTES:
                        raise InputError(
                            f"{path} holds {member.name} of {member.size:,} bytes, more than "
                            f"{MAX_MEMBER_BYTES:,}: put the right file there"
                        )
                    file = archive.extractfile(member)
                    assert file is not None, "a plain file has a content"
                    yield member.name, file.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise InputError(f"{path} is not a complete archive ({error}): put the right file there") from error
