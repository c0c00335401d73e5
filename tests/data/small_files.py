"""Small files in the real formats, and registry entries for them."""

import gzip
import hashlib

import numpy as np

from kingdra_repro.data.registry import RemoteFile


def remote(name: str, content: bytes, *urls: str) -> RemoteFile:
    """A registry entry for these bytes."""
    return RemoteFile(name, (f"sha256:{hashlib.sha256(content).hexdigest()}",), len(content), urls)


def gz(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def idx_bytes(values: np.ndarray) -> bytes:
    """An idx file of unsigned bytes."""
    header = bytes([0, 0, 8, values.ndim]) + np.asarray(values.shape, ">u4").tobytes()
    return header + values.astype(np.uint8).tobytes()
