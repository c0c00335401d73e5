"""One file from one URL: whole and verified, or not there at all."""

import gzip
import lzma
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pooch

from kingdra_repro.data.download.progress import DownloadProgress
from kingdra_repro.errors import InputError
from kingdra_repro.files import wrong_checksum

MAGIC = {".gz": b"\x1f\x8b", ".xz": b"\xfd7zXZ\x00"}
OPENED: dict[str, Any] = {".gz": gzip.open, ".xz": lzma.open}
PACKINGS = tuple(MAGIC)  # endings that a mirror's files may have


def download(url: str, checksums: tuple[str, ...], target: Path, timeout: float) -> None:
    """Download `url` to `target`, verified before it gets that name.

    Parameters
    ----------
    url : str
        http or https. A .gz or .xz of the file will do: it is unpacked.
    checksums : tuple of str
        What must lie at `target` (unpacked), such as ``"sha256:..."``; any of them.
    target : Path
    timeout : float
        Seconds to wait for the server's answer, and for every next piece of it.

    Raises
    ------
    InputError
        "URL: reason", where the server does not give the right file, or the folder cannot be written.
    """
    with folder_beside(target) as beside:
        arrived = beside / "arrived"
        progress = DownloadProgress(target.name)
        get = pooch.HTTPDownloader(progressbar=progress, timeout=timeout, chunk_size=1 << 16)
        try:
            get(url, str(arrived), None)
        except (OSError, ValueError) as error:  # requests' exceptions are OSErrors
            raise InputError(f"{url}: {_why_not(error, timeout)}") from error
        finally:
            progress.close()
        keep(arrived, checksums, target, source=url)


def keep(arrived: Path, checksums: tuple[str, ...], target: Path, source: str) -> None:
    """Unpack a file where it is a .gz or .xz, verify it, and put it at `target` by a rename.

    Raises
    ------
    InputError
        "source: reason", where it is broken or not the right file; `target` is then untouched.
    """
    with folder_beside(target) as beside:
        plain = arrived
        packing = _packing(arrived)
        if packing is not None and target.suffix != packing:
            plain = beside / target.name
            try:
                with OPENED[packing](arrived, "rb") as stream, open(plain, "wb") as out:
                    shutil.copyfileobj(stream, out, 1 << 20)
            except (gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError) as error:
                raise InputError(f"{source}: not a complete {packing} file") from error
        wrong = wrong_checksum(plain, checksums)
        if wrong:
            raise InputError(f"{source}: {wrong}")
        os.replace(plain, target)


def _packing(path: Path) -> str | None:
    """``.gz`` or ``.xz``, by the first bytes: some servers unpack on the way, some leave out the ending."""
    with open(path, "rb") as file:
        begin = file.read(6)
    return next((ending for ending, magic in MAGIC.items() if begin.startswith(magic)), None)


@contextmanager
def folder_beside(target: Path) -> Iterator[Path]:
    """Make a working folder on the same disk as `target`, so that the last step is a rename."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(prefix=".arriving-", dir=target.parent)
    except OSError as error:
        raise InputError(
            f"Cannot write to the data folder {target.parent} ({error.strerror}): "
            "choose another with data_dir=DIR or the environment variable KINGDRA_DATA_DIR"
        ) from error
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _why_not(error: Exception, timeout: float) -> str:
    """Return a failed download in a few words; requests' own messages are long."""
    response: Any = getattr(error, "response", None)
    if response is not None:
        return f"HTTP status {response.status_code}"
    kind = type(error).__name__
    if "Timeout" in kind or "timed out" in str(error):
        return f"no answer within {timeout:g} s"
    if kind == "ChunkedEncodingError":
        return "the answer broke off"
    if kind in ("ConnectionError", "SSLError", "ProxyError"):
        return f"cannot connect ({kind})"
    return f"{kind} {error}".splitlines()[0]
