"""A file of the registry, wherever it can be had: the data folder, a mirror, the internet."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from kingdra_repro.data.download.download import PACKINGS, download, keep
from kingdra_repro.data.download.folder import data_folder
from kingdra_repro.data.download.registry import RemoteFile
from kingdra_repro.errors import InputError
from kingdra_repro.files import wrong_checksum

log = logging.getLogger(__name__)

_may_download = ContextVar("may_download", default=True)


class NotLocalError(InputError):
    """A file is neither in the data folder nor in a mirror's folder, and nothing is to be downloaded."""


@contextmanager
def offline() -> Iterator[None]:
    """Within it `fetch` raises `NotLocalError` where it would download."""
    before = _may_download.set(False)
    try:
        yield
    finally:
        _may_download.reset(before)


def fetch(
    file: RemoteFile,
    data_dir: str | os.PathLike | None = None,
    mirror: str | os.PathLike | None = None,
    timeout: float = 30.0,
) -> Path:
    """Give the path of a verified copy of one file, downloading it only where there is no other way.

    Tried in turn: the data folder; the mirror (a plain file in a folder is used in place, a ``.gz``, ``.xz``
    or URL comes to the data folder); the file's own sources.

    Parameters
    ----------
    file : RemoteFile
    data_dir : path or None
        The data folder; see `data_folder` for None.
    mirror : path or str or None
        A folder, or the start of a URL, that holds the registry's files under the same names, plain, .gz or
        .xz. Checksums are of what is in them.
    timeout : float
        Seconds to wait for a server's answer, and for every next piece of it.

    Raises
    ------
    NotLocalError
        Within `offline`, where there is no copy here.
    InputError
        Where the data folder's own copy is wrong, or no source has the right file: what each of them
        answered, and which file to put where.
    """
    kept = data_folder(data_dir).absolute() / file.name
    if kept.exists():
        # Never replaced unasked: somebody may have put it there by hand.
        wrong = wrong_checksum(kept, file.checksums)
        if wrong:
            raise InputError(f"{kept} has {wrong}: remove it, or put the right file there")
        return kept

    refusals = []
    urls = list(file.urls)
    if mirror is not None and is_url(mirror):
        start = str(mirror).rstrip("/")
        urls = [*(f"{start}/{file.name}{ending}" for ending in ("", *PACKINGS)), *urls]
    elif mirror is not None:
        try:
            return _from_folder(Path(mirror).expanduser(), file, kept)
        except InputError as refusal:
            refusals.append(str(refusal))

    if not _may_download.get():
        raise NotLocalError(f"{file.name} is not available locally")
    for url in urls:
        log.info("Downloading %s", url)
        try:
            download(url, file.checksums, kept, timeout)
            return kept
        except InputError as refusal:
            refusals.append(str(refusal))
    raise InputError(
        f"No source has {file.name}: put it at {kept}, or name a folder DIR that holds DIR/{file.name} with "
        f"mirror=DIR. Tried: {'; '.join(refusals) or 'nothing, it has no public address'}"
    )


def find_local(
    name: str, data_dir: str | os.PathLike | None = None, mirror: str | os.PathLike | None = None
) -> Path | None:
    """Where a file lies in the data folder or in a mirror's folder, plain or packed; nothing is verified.

    Its name is its place below the data folder, such as ``"reuters/lyrl2004_tokens_train.dat"``;
    ``data_dir`` and ``mirror`` are as for `fetch`.
    """
    folders = [data_folder(data_dir).absolute()]
    if mirror is not None and not is_url(mirror):
        folders.append(Path(mirror).expanduser())
    places = [folder / f"{name}{ending}" for folder in folders for ending in ("", *PACKINGS)]
    return next((place for place in places if place.is_file()), None)


def is_url(place: str | os.PathLike) -> bool:
    """Whether a mirror is a URL, not a folder."""
    return str(place).startswith(("http://", "https://"))


def _from_folder(mirror: Path, file: RemoteFile, kept: Path) -> Path:
    """Find the plain file, or unpack a packed one to the data folder; InputError where none is."""
    if not mirror.is_dir():
        raise InputError(f"mirror {mirror} is not a folder")
    plain = mirror / file.name
    if plain.is_file():
        wrong = wrong_checksum(plain, file.checksums)
        if wrong:
            raise InputError(f"{plain}: {wrong}")
        return plain
    for packed in (mirror / f"{file.name}{ending}" for ending in PACKINGS):
        if packed.is_file():
            keep(packed, file.checksums, kept, source=str(packed))
            return kept
    raise InputError(f"mirror {mirror} has no {file.name}, and no {' or '.join(PACKINGS)} of it")
