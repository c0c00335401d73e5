"""Is this file the one we mean?"""

import hashlib
from pathlib import Path


def wrong_checksum(path: Path, expected: str) -> str | None:
    """What is wrong with a file's content, in words; None where its sha256 is the expected one.

    Parameters
    ----------
    path : Path
    expected : str
        sha256 as 64 hexadecimal digits.
    """
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found == expected:
        return None
    return f"wrong content: sha256 expected {expected}, found {found} ({path.stat().st_size} bytes)"
