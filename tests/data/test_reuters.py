"""Reuters, read from small files in the formats of RCV1-v2."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from kingdra_repro.data import load_reuters
from kingdra_repro.data.download.registry import registry
from kingdra_repro.data.sources.rcv1 import (
    N_TERMS,
    TOKEN_FILES,
    TOPICS_FILE,
    VECTOR_FILES,
    read_root_classes,
    read_tokens,
    read_vectors,
)
from kingdra_repro.errors import InputError

from .small_files import PACKED, remote

TOPICS = """CCAT 2286 1
C15 2286 1
ECAT 2287 1
CCAT 2287 1
GCAT 2288 1
MCAT 2289 1
M11 2289 1
ECAT 2290 1
"""
STEMS = {
    2286: "profit rise profit",
    2287: "tax profit",
    2288: "elect vote",
    2289: "share rise",
    2290: "tax bank",
}
WORDS = sorted({word for stems in STEMS.values() for word in stems.split()})


def token_file(documents: list[int]) -> str:
    return "".join(f".I {number}\n.W\n{STEMS[number]}\n\n" for number in documents)


def vector_file(documents: list[int]) -> str:
    lines = []
    for number in documents:
        terms = sorted({WORDS.index(word) + 1 for word in STEMS[number].split()})
        lines.append(f"{number} " + " ".join(f"{term}:0.5" for term in terms) + "\n")
    return "".join(lines)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror with the categories only; the tests add the documents."""
    folder = tmp_path / "mirror" / "reuters"
    folder.mkdir(parents=True)
    write_known(folder, TOPICS_FILE, gzip.compress(TOPICS.encode()), monkeypatch)
    return tmp_path / "mirror"


def write_known(folder: Path, file: str, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / file).write_bytes(content)
    monkeypatch.setitem(registry(), f"reuters/{file}", remote(f"reuters/{file}", content))


def add_tokens(mirror: Path) -> None:
    for file, documents in zip(TOKEN_FILES, ([2286], [2287], [2289, 2288], [2290], []), strict=True):
        (mirror / "reuters" / file).write_text(token_file(documents))


def add_vectors(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file, documents in zip(VECTOR_FILES, ([2286], [2287], [2289], [2288], [2290]), strict=True):
        content = gzip.compress(vector_file(documents).encode())
        write_known(mirror / "reuters", file, content, monkeypatch)


def add_subset(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X = sp.random(30, N_TERMS, 0.001, random_state=0, format="csr", dtype=np.float32)
    sp.save_npz(mirror / "reuters" / "rcv1_pool_X.npz", X)
    np.savez(mirror / "reuters" / "rcv1_pool_labels.npz", root4=(np.arange(30) % 5 - 1).astype(np.int8))
    for file in ("rcv1_pool_X.npz", "rcv1_pool_labels.npz"):
        write_known(mirror / "reuters", file, (mirror / "reuters" / file).read_bytes(), monkeypatch)


def test_documents_of_one_root_category(tmp_path: Path) -> None:
    (tmp_path / "t").write_text(TOPICS)
    documents, classes = read_root_classes(tmp_path / "t")
    assert documents.tolist() == [2286, 2288, 2289, 2290]
    assert classes.tolist() == [0, 2, 3, 1]


@pytest.mark.parametrize("ending", ["", *PACKED])
def test_tokens(tmp_path: Path, ending: str) -> None:
    content = token_file([2286, 2290]).encode()
    path = tmp_path / f"t.dat{ending}"
    path.write_bytes(PACKED[ending](content) if ending else content)
    assert list(read_tokens(path)) == [(2286, ["profit", "rise", "profit"]), (2290, ["tax", "bank"])]


def test_from_tokens(mirror: Path) -> None:
    add_tokens(mirror)
    data = load_reuters(mirror=mirror, n_documents=4)
    assert data.y.tolist() == [0, 2, 3, 1]
    assert data.X.shape == (4, 7)
    assert isinstance(data.X, sp.csr_matrix)
    np.testing.assert_allclose(np.asarray(data.X.multiply(data.X).sum(axis=1)).ravel(), 7, rtol=1e-5)  # d


def test_from_vectors(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_vectors(mirror, monkeypatch)
    data = load_reuters(mirror=mirror, n_documents=4, n_words=7, row_length="one")
    assert data.y.tolist() == [0, 2, 3, 1]
    dense = data.X.toarray()
    # Document 2286 has profit and rise, with equal weights.
    np.testing.assert_allclose(dense[0][dense[0] > 0], 0.5**0.5, rtol=1e-6)


def test_from_subset(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_subset(mirror, monkeypatch)
    data = load_reuters(mirror=mirror, n_documents=20, n_words=50)
    assert data.X.shape == (20, 50)
    assert set(data.y.tolist()) <= {0, 1, 2, 3}


def test_sample_is_a_matter_of_its_seed(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_subset(mirror, monkeypatch)
    first, same, other = (
        load_reuters(data_dir=mirror / place, mirror=mirror, n_documents=10, sample_seed=seed)
        for place, seed in (("a", 1), ("b", 1), ("a", 2))
    )
    assert (first.X != same.X).nnz == 0
    assert first.X.shape != other.X.shape or (first.X != other.X).nnz > 0


def test_tokens_are_preferred_and_prepared_once(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_subset(mirror, monkeypatch)
    add_tokens(mirror)
    assert load_reuters(mirror=mirror, n_documents=4).X.shape == (4, 7)
    assert load_reuters(n_documents=4).X.shape == (4, 7)  # the mirror is no longer needed


def test_user_errors(mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"source must be one of .*; got 'web'"):
        load_reuters(source="web")
    with pytest.raises(InputError, match="n_documents must be an integer of at least 2; got 1"):
        load_reuters(n_documents=1)
    with pytest.raises(InputError, match=r"no lyrl2004_tokens_train.dat .*put RCV1's token files into /"):
        load_reuters(mirror=mirror, source="tokens")
    add_tokens(mirror)
    with pytest.raises(InputError, match="n_documents=5 is more than the 4 documents"):
        load_reuters(mirror=mirror, n_documents=5)
    (mirror / "reuters" / TOKEN_FILES[0]).write_text(token_file([2290]))
    with pytest.raises(InputError, match="have 3 of the 4 sampled documents"):
        load_reuters(mirror=mirror, n_documents=4)
    (tmp_path / "t").write_text("CCAT 2286\n")
    with pytest.raises(InputError, match="no category and document in line 1"):
        read_root_classes(tmp_path / "t")
    for content, reason in (
        ("profit\n", "does not begin with"),
        (".I x\n", "no document's number in line 1"),
    ):
        (tmp_path / "t").write_text(content)
        with pytest.raises(InputError, match=reason):
            list(read_tokens(tmp_path / "t"))
    (tmp_path / "t.gz").write_bytes(gzip.compress(token_file([2286]).encode())[:-12])
    with pytest.raises(InputError, match="not a complete file"):
        list(read_tokens(tmp_path / "t.gz"))
    (tmp_path / "t").write_text("not vectors")
    with pytest.raises(InputError, match="not a file of RCV1's vectors"):
        read_vectors(tmp_path / "t", np.array([1]))


def test_real_files(real_data: Path) -> None:
    data = load_reuters(mirror=real_data)
    assert data.X.shape == (10000, 2000)
    assert 0.40 < np.bincount(data.y).max() / 10000 < 0.43
