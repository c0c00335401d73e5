"""The registry of files that can be downloaded, with their checksums (registry.toml)."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class RemoteFile:
    """A file of the registry.

    Attributes
    ----------
    name : str
        Path relative to the data folder and to a mirror, such as ``"mnist/t10k-labels-idx1-ubyte"``.
    checksums : tuple of str
        ``"sha256:..."`` of the file in the data folder (unpacked, if a source is a ``.gz`` of it). One of
        them must match: the same content may be published in several archives. ``"md5:..."`` if the
        publisher's file was not available to compute its SHA-256, and only its MD5 is published.
    urls : tuple of str
        URLs of the file, in the order in which they are tried; empty if only a mirror has the file.
    """

    name: str
    checksums: tuple[str, ...]
    urls: tuple[str, ...]


@cache
def registry() -> dict[str, RemoteFile]:
    """Return all files of registry.toml by name."""
    table = tomllib.loads(files(__package__).joinpath("registry.toml").read_text(encoding="utf-8"))
    known = {}
    for name, entry in table.items():
        checksums = [f"{kind}:{value}" for kind in ("sha256", "md5") for value in entry.get(kind, ())]
        known[name] = RemoteFile(name, tuple(checksums), tuple(entry.get("urls", ())))
    return known
