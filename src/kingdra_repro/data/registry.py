"""The registry of files that can be downloaded, with their checksums (registry.toml)."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class RemoteFile:
    """One file of a data set.

    Attributes
    ----------
    name : str
        Its place below the data folder and below a mirror, such as ``"mnist/t10k-labels-idx1-ubyte"``.
    sha256 : str
        Checksum of the file as it lies in the data folder (unpacked, where a source is a ``.gz`` of it).
    n_bytes : int or None
        Its size there; None where it is not known.
    urls : tuple of str
        Where it can be had, in the order in which the sources are tried.
    """

    name: str
    sha256: str
    n_bytes: int | None
    urls: tuple[str, ...]


@cache
def registry() -> dict[str, RemoteFile]:
    """All files of registry.toml by their name."""
    table = tomllib.loads(files(__package__).joinpath("registry.toml").read_text(encoding="utf-8"))
    return {
        name: RemoteFile(name, entry["sha256"], entry.get("bytes"), tuple(entry["urls"]))
        for name, entry in table.items()
    }
