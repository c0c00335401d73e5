"""Find or download a file of the registry: from the data folder, a mirror or the internet."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from kingdra_repro.data.download.download import PACKINGS, download, unpack_and_verify
from kingdra_repro.data.download.folder import data_folder
from kingdra_repro.data.download.registry import RemoteFile
from kingdra_repro.errors import InputError
from kingdra_repro.files import wrong_checksum

log = logging.getLogger(__name__)

_may_download = ContextVar("may_download", default=True)


class NotLocalError(InputError):
    """Error within `offline` for a file that is neither in the data folder nor in a mirror's folder."""


@contextmanager
def offline() -> Iterator[None]:
    """Make `fetch` raise `NotLocalError` within this context instead of downloading a file."""
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
    """Return the path of a verified copy of one file, downloading it only if there is no local copy.

    The sources are tried in this order: the data folder; the mirror; the file's own URLs. A mirror that is a
    folder may have the file unpacked, which is used in place, or as ``.gz`` or ``.xz``, which is unpacked to
    the data folder. Downloads are saved in the data folder.

    Parameters
    ----------
    file : RemoteFile
    data_dir : path or None
        The data folder; see `data_folder` for None.
    mirror : path or str or None
        A folder, or the start of a URL, with the registry's files under the same names, unpacked or as .gz or
        .xz. The checksums are those of the unpacked files.
    timeout : float
        Seconds to wait for a server's response, and for each further chunk of it.

    Raises
    ------
    NotLocalError
        Within `offline`, if there is no local copy.
    InputError
        If the copy in the data folder is wrong, or no source has the right file. The message gives the reason
        for each source, and says which file to put where.
    """
    kept = data_folder(data_dir).absolute() / file.name
    if kept.exists():
        # A wrong file is not replaced automatically: somebody may have put it there by hand.
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
    """Return the path of a file, unpacked or packed, in the data folder or a mirror's folder; else None.

    The file is not verified. `name` is its path relative to the data folder, such as
    ``"reuters/lyrl2004_tokens_train.dat"``; `data_dir` and `mirror` are as for `fetch`.
    """
    folders = [data_folder(data_dir).absolute()]
    if mirror is not None and not is_url(mirror):
        folders.append(Path(mirror).expanduser())
    places = [folder / f"{name}{ending}" for folder in folders for ending in ("", *PACKINGS)]
    return next((place for place in places if place.is_file()), None)


def is_url(place: str | os.PathLike) -> bool:
    """Return whether a mirror is a URL and not a folder."""
    return str(place).startswith(("http://", "https://"))


def _from_folder(mirror: Path, file: RemoteFile, kept: Path) -> Path:
    """Find the unpacked file, or unpack a packed one to `kept`; raise InputError if there is neither."""
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
            unpack_and_verify(packed, file.checksums, kept, source=str(packed))
            return kept
    raise InputError(f"mirror {mirror} has no {file.name}, and no {' or '.join(PACKINGS)} of it")
