"""Download one file from one URL; the file appears only when it is complete and verified."""

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
PACKINGS = tuple(MAGIC)  # endings of packed files on a mirror


def download(url: str, checksums: tuple[str, ...], target: Path, timeout: float) -> None:
    """Download `url`, verify the file, and then move it to `target`.

    Parameters
    ----------
    url : str
        http or https. A file packed as .gz or .xz is unpacked.
    checksums : tuple of str
        Accepted checksums of the unpacked file, such as ``"sha256:..."``; one of them must match.
    target : Path
    timeout : float
        Seconds to wait for the server's response, and for each further chunk of it.

    Raises
    ------
    InputError
        If the server does not return the right file ("URL: reason"), or the folder cannot be written to.
    """
    with sibling_temp_dir(target) as temp_dir:
        arrived = temp_dir / "arrived"
        progress = DownloadProgress(target.name)
        get = pooch.HTTPDownloader(progressbar=progress, timeout=timeout, chunk_size=1 << 16)
        try:
            get(url, str(arrived), None)
        except (OSError, ValueError) as error:  # requests' exceptions are OSErrors
            raise InputError(f"{url}: {_why_not(error, timeout)}") from error
        finally:
            progress.close()
        unpack_and_verify(arrived, checksums, target, source=url)


def unpack_and_verify(arrived: Path, checksums: tuple[str, ...], target: Path, source: str) -> None:
    """Unpack a file if it is a .gz or .xz, verify it, and rename it to `target`.

    Raises
    ------
    InputError
        If the file is broken or not the right one ("source: reason"); `target` is not changed then.
    """
    with sibling_temp_dir(target) as temp_dir:
        plain = arrived
        packing = _packing(arrived)
        if packing is not None and target.suffix != packing:
            plain = temp_dir / target.name
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
    """Return ".gz", ".xz" or None by the first bytes: some servers unpack a file or leave out the ending."""
    with open(path, "rb") as file:
        begin = file.read(6)
    return next((ending for ending, magic in MAGIC.items() if begin.startswith(magic)), None)


@contextmanager
def sibling_temp_dir(target: Path) -> Iterator[Path]:
    """Create a temporary folder next to `target`, on the same disk, so that the last step can be a rename."""
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
    """Return a short reason for a failed download; requests' own messages are long."""
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
