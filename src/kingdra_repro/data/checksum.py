"""Is this file, or this array, the one we mean?"""

import hashlib
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.sparse as sp


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


def checksum_of_array(X: np.ndarray | sp.csr_matrix) -> str:
    """CRC-32 of an array's numbers, of a CSR matrix also of where they stand: 8 hexadecimal digits.

    The shape is no part of it.
    """
    parts = (X.data, X.indices, X.indptr) if sp.issparse(X) else (X,)
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(memoryview(np.ascontiguousarray(part)).cast("B"), checksum)  # type: ignore[arg-type]
    return f"{checksum:08x}"
