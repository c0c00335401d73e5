"""Readers of the files of RCV1-v2: categories, token files, vector files."""

import io
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
import scipy.sparse as sp
from sklearn.datasets import load_svmlight_file

from kingdra_repro.data.download.download import OPENED
from kingdra_repro.errors import InputError

# The four root categories, in the order of their classes.
ROOT_NAMES = {
    "CCAT": "corporate/industrial",
    "ECAT": "economics",
    "GCAT": "government/social",
    "MCAT": "markets",
}
ROOTS = tuple(ROOT_NAMES)
N_TERMS = 47_236
PARTS = ("train", "test_pt0", "test_pt1", "test_pt2", "test_pt3")
VECTOR_FILES = tuple(f"lyrl2004_vectors_{part}.dat.gz" for part in PARTS)
TOKEN_FILES = tuple(f"lyrl2004_tokens_{part}.dat" for part in PARTS)
TOPICS_FILE = "rcv1-v2.topics.qrels.gz"


def read_root_classes(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the documents that belong to exactly one root category, and their categories.

    Parameters
    ----------
    path : Path
        ``rcv1-v2.topics.qrels``, plain or compressed: a line "category document 1" for each pair.

    Returns
    -------
    documents : int64 array [n], ascending
    classes : int64 array [n]
        Indices into ROOTS.

    Raises
    ------
    InputError
        If it is not such a file.
    """
    roots: dict[int, set[str]] = {}
    with _text(path) as lines:
        for number, line in enumerate(_safely(lines, path), start=1):
            fields = line.split()
            if len(fields) != 3 or not fields[1].isdigit():
                raise InputError(
                    f"{path} has no category and document in line {number}: put the right file there"
                )
            if fields[0] in ROOTS:
                roots.setdefault(int(fields[1]), set()).add(fields[0])
    single = sorted((document, of.pop()) for document, of in roots.items() if len(of) == 1)
    documents = np.array([document for document, _ in single], np.int64)
    return documents, np.array([ROOTS.index(root) for _, root in single], np.int64)


def read_tokens(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the stems of each document in a token file.

    Parameters
    ----------
    path : Path
        Plain or compressed. A document is a line ".I number", a line ".W", and lines of stems.

    Raises
    ------
    InputError
        If it is not such a file.
    """
    document: int | None = None
    stems: list[str] = []
    with _text(path) as lines:
        for number, line in enumerate(_safely(lines, path), start=1):
            if line.startswith(".I "):
                if document is not None:
                    yield document, stems
                fields = line.split()
                if len(fields) != 2 or not fields[1].isdigit():
                    raise InputError(
                        f"{path} has no document's number in line {number}: put the right file there"
                    )
                document, stems = int(fields[1]), []
            elif document is None and line.strip():
                raise InputError(f"{path} does not begin with '.I number': put RCV1's token file there")
            elif not line.startswith(".W"):
                stems += line.split()
    if document is not None:
        yield document, stems


def read_vectors(path: Path, documents: np.ndarray) -> tuple[sp.csr_matrix, np.ndarray]:
    """Read the given documents from a vector file (cosine-normalised log tf-idf; Lewis et al. 2004).

    Parameters
    ----------
    path : Path
        "document term:weight term:weight ..." in each line, plain or compressed.
    documents : int array
        Numbers of the documents to read.

    Returns
    -------
    X : float32 CSR matrix [m, 47236]
    found : int64 array [m]
        Numbers of the documents, in file order.

    Raises
    ------
    InputError
        If it is not such a file.
    """
    try:
        X, labels = load_svmlight_file(str(path), n_features=N_TERMS, dtype=np.float32)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{path} is not a file of RCV1's vectors ({error}): put the right file there"
        ) from error
    numbers = labels.astype(np.int64)
    wanted = np.isin(numbers, documents)
    return sp.csr_matrix(X[wanted]), numbers[wanted]


def _text(path: Path) -> TextIO:
    return io.TextIOWrapper(OPENED.get(path.suffix, open)(path, "rb"), encoding="latin-1")


def _safely(lines: Iterator[str], path: Path) -> Iterator[str]:
    try:
        yield from lines
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise InputError(f"{path} is not a complete file ({error}): put the right file there") from error
