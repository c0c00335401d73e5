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
    checksums : tuple of str
        ``"sha256:..."`` of the file as it lies in the data folder (unpacked, where a source is a ``.gz`` of
        it). Any of them will do: there may be known packings of the same content. ``"md5:..."`` where the
        publisher's file could not be had to compute its sha256, and only the md5 is known to all.
    urls : tuple of str
        Where it can be had, in the order in which the sources are tried.
    """

    name: str
    checksums: tuple[str, ...]
    urls: tuple[str, ...]


@cache
def registry() -> dict[str, RemoteFile]:
    """All files of registry.toml by their name."""
    table = tomllib.loads(files(__package__).joinpath("registry.toml").read_text(encoding="utf-8"))
    known = {}
    for name, entry in table.items():
        checksums = [f"{kind}:{value}" for kind in ("sha256", "md5") for value in entry.get(kind, ())]
        known[name] = RemoteFile(name, tuple(checksums), tuple(entry.get("urls", ())))
    return known
