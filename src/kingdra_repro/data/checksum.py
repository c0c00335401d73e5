"""Is this file the one we mean?"""

import hashlib
from collections.abc import Sequence
from pathlib import Path


def checksum(path: Path, kind: str = "sha256") -> str:
    """Checksum of a file's bytes, as hexadecimal digits.

    Parameters
    ----------
    path : Path
    kind : str
        A name that hashlib knows.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def wrong_checksum(path: Path, expected: Sequence[str]) -> str | None:
    """What is wrong with a file's content, in words; None where it has one of the expected checksums.

    Parameters
    ----------
    path : Path
    expected : sequence of str
        Such as ``"sha256:9f86d0..."``; any of them will do.
    """
    kind = expected[0].split(":")[0]
    found = checksum(path, kind)
    if f"{kind}:{found}" in expected:
        return None
    wanted = " or ".join(value.removeprefix(f"{kind}:") for value in expected)
    return f"wrong content: {kind} expected {wanted}, found {found} ({path.stat().st_size} bytes)"
