"""Where a data set is: ready to load, to be prepared from local files, or to be downloaded."""

import os
from dataclasses import dataclass
from pathlib import Path

from kingdra_repro.data.catalog import KnownDataset
from kingdra_repro.data.download.fetch import find_local, is_url
from kingdra_repro.data.download.folder import data_folder


@dataclass(frozen=True)
class Location:
    """Where a data set is.

    Attributes
    ----------
    ready : bool
        Whether it can be loaded without a download or an extraction.
    place : str
        The location, for display.
    n_bytes : int or None
        Its size on disk, or the size of the download; None if it comes with scikit-learn.
    """

    ready: bool
    place: str
    n_bytes: int | None


def locate(
    known: KnownDataset, data_dir: str | os.PathLike | None, mirror: str | os.PathLike | None
) -> Location:
    """Look for a data set in the data folder and in a mirror's folder, without verifying or fetching it.

    ``data_dir`` and ``mirror`` are as for `fetch`.
    """
    if known.folder is None:
        return Location(True, "comes with scikit-learn", None)
    prepared = prepared_folders(known, data_dir)
    if prepared:
        return Location(True, str(prepared[0].parent), sum(_size(folder) for folder in prepared))
    for names in known.raw_files:
        files = [find_local(name, data_dir, mirror) for name in names]
        raw = [file for file in files if file is not None]
        if len(raw) == len(names):
            return Location(True, str(raw[0].parent), sum(file.stat().st_size for file in raw))
    if mirror is not None and not is_url(mirror):
        folder = Path(mirror).expanduser() / known.folder
        if folder.is_dir():
            return Location(False, f"{folder} (to be prepared)", _size(folder))
    return Location(False, "to be downloaded", known.download_bytes)


def prepared_folders(known: KnownDataset, data_dir: str | os.PathLike | None) -> list[Path]:
    """Return the data set's prepared folders, one for each combination of settings used so far."""
    if known.folder is None:
        return []
    below = data_folder(data_dir).absolute() / known.folder
    return sorted(about.parent for about in below.glob("[!.]*/about.json"))


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
