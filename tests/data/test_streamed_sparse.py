"""Sparse files that do not fit in memory: streamed, they give the same data as when read into memory."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
import pytest
import scipy.sparse as sp

from kingdra_repro.data import StreamedMatrix, load_custom
from kingdra_repro.data.sources import custom_streamed
from kingdra_repro.data.sources.new_points import read_new_points
from kingdra_repro.data.sources.preprocessing import Preprocessing
from kingdra_repro.data.validation import canonical_csr
from kingdra_repro.errors import InputError

N, D = 60, 7


@pytest.fixture
def X() -> sp.csr_matrix:
    """A matrix of counts with an empty row and an empty column."""
    dense = np.random.default_rng(0).poisson(0.5, (N, D)).astype(np.float32)
    dense[11] = dense[:, 3] = 0
    return sp.csr_matrix(dense)


def saved(folder: Path, X: sp.spmatrix, *, compressed: bool = False, long: bool = False) -> Path:
    path = folder / "words.npz"
    if long:  # SciPy itself saves int32 indices if they fit
        parts = {"indices": X.indices.astype(np.int64), "indptr": X.indptr.astype(np.int64), "data": X.data}
        np.savez(path, format=b"csr", shape=X.shape, **parts)
    else:
        sp.save_npz(path, X, compressed=compressed)
    return path


def loaded(path: Path, stream: bool, **more) -> sp.csr_matrix | StreamedMatrix:
    return load_custom(path, n_clusters=2, stream=stream, data_dir=path.parent / "data", **more).X


def assert_same(one: sp.csr_matrix, other: sp.csr_matrix) -> None:
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("scale", ["auto", "standard", "minmax"])
@pytest.mark.parametrize("dtype", ["<f4", "<f8", ">f8", "u1", "<i8"])
def test_features_are_those_of_a_file_in_memory(tmp_path: Path, X: sp.csr_matrix, dtype: str, scale) -> None:
    path = saved(tmp_path, X, long=dtype == "<i8")
    parts = dict(np.load(path))
    np.savez(path, **{**parts, "data": parts["data"].astype(dtype)})
    held = canonical_csr(loaded(path, False, scale=scale))
    streamed = loaded(path, True, scale=scale)
    assert isinstance(streamed, StreamedMatrix)
    assert_same(streamed[:], held)
    assert_same(streamed[3:20:4], held[3:20:4])
    assert_same(streamed[np.array([7, 11, -1, 7])], held[[7, 11, -1, 7]])
    assert_same(streamed[4], held[4])
    assert_same(sp.vstack(list(streamed.blocks(7))), held)


def test_numbers_given_twice_are_added_and_columns_sorted(tmp_path: Path) -> None:
    twice = sp.csr_matrix((np.ones(5, np.float32), [2, 0, 2, 1, 1], [0, 3, 5]), shape=(2, 3))
    found = loaded(saved(tmp_path, twice), True)
    np.testing.assert_array_equal(found[:].toarray(), [[1, 0, 2], [0, 2, 0]])
    assert found[:].has_canonical_format


def test_what_is_fitted_in_blocks_is_that_of_all_rows(tmp_path: Path, X, monkeypatch) -> None:
    path = saved(tmp_path, X)
    whole = loaded(path, True, scale="standard")
    monkeypatch.setattr(custom_streamed, "NUMBERS_AT_ONCE", 14)
    blocks = loaded(path, True, scale="standard")
    np.testing.assert_allclose(blocks[:].toarray(), whole[:].toarray(), rtol=1e-6)
    assert blocks.checksum == whole.checksum
    assert loaded(saved(tmp_path, X[::-1]), True).checksum != whole.checksum


def test_a_fault_is_told_with_its_row(tmp_path: Path, X: sp.csr_matrix, monkeypatch) -> None:
    monkeypatch.setattr(custom_streamed, "NUMBERS_AT_ONCE", 14)
    X.data[X.indptr[50]] = np.nan
    with pytest.raises(InputError, match=r"NaN .* in row 50, column"):
        loaded(saved(tmp_path, X), True)


def test_it_is_streamed_where_it_would_take_half_of_the_memory(tmp_path: Path, X, monkeypatch) -> None:
    path = saved(tmp_path, X)
    assert sp.issparse(load_custom(path, n_clusters=2).X)
    monkeypatch.setattr(custom_streamed, "available_bytes", lambda: 15 * X.nnz)
    assert isinstance(load_custom(path, n_clusters=2).X, StreamedMatrix)
    sp.save_npz(path, X.tocsc())  # CSC is not stored by rows
    assert sp.issparse(load_custom(path, n_clusters=2).X)
    with pytest.raises(InputError, match=r"dataset\.stream=true .*X\.tocsr\(\)"):
        loaded(path, True)


def test_a_compressed_file_is_unpacked_once(tmp_path: Path, X: sp.csr_matrix, monkeypatch) -> None:
    path = saved(tmp_path, X, compressed=True)
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=100))
        with pytest.raises(InputError, match=r"No space left.*it takes 0\.0 GB.*data_dir=FOLDER"):
            loaded(path, True)
    streamed = loaded(path, True)
    assert_same(streamed[:], X)
    made = streamed.path.stat().st_mtime_ns
    assert loaded(path, True).path.stat().st_mtime_ns == made
    assert [file.suffix for file in (tmp_path / "data" / "streamed").glob("[!.]*")] == [".npz"]


def test_new_points_are_read_as_those_in_memory(tmp_path: Path, X: sp.csr_matrix, monkeypatch) -> None:
    path = saved(tmp_path, X)
    kept = load_custom(path, n_clusters=2, scale="minmax", stream=True).preprocessing
    kept = Preprocessing.from_state(kept.state())
    held = read_new_points(kept, path, D).X
    monkeypatch.setattr(custom_streamed, "available_bytes", lambda: 100)
    streamed = read_new_points(kept, path, D).X
    assert isinstance(streamed, StreamedMatrix)
    assert_same(streamed[:], held)


@pytest.mark.parametrize("at_once", [1, 10**6])
@pytest.mark.parametrize(
    ("name", "place", "value"),
    [("indices", 20, D), ("indices", 20, -1), ("indptr", 30, 10**6), ("indptr", 30, -3), ("indptr", 30, 2)],
)
def test_arrays_that_do_not_fit_together_are_told(
    tmp_path: Path, X, name: str, place: int, value: int, at_once: int, monkeypatch
) -> None:
    monkeypatch.setattr(custom_streamed, "NUMBERS_AT_ONCE", at_once)
    path = saved(tmp_path, X)
    parts = dict(np.load(path))
    parts[name][place] = value
    np.savez(path, **parts)
    with pytest.raises(InputError, match=r"words\.npz is not a readable \.npz file"):
        loaded(path, True)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.filterwarnings("ignore")  # changed bytes may be numbers that overflow
def test_other_bytes_give_a_matrix_or_a_line(tmp_path: Path, X: sp.csr_matrix, compressed: bool) -> None:
    path = saved(tmp_path, X, compressed=compressed)
    whole, told = path.read_bytes(), 0
    for place in range(0, len(whole), 9):
        path.write_bytes(whole[:place] + b"\xff\x01\x80" + whole[place + 3 :])
        try:
            assert np.isfinite(loaded(path, True)[:].data).all()
        except (InputError, MemoryError):
            told += 1
    assert told > 20
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError):
        loaded(path, True)


@pytest.mark.parametrize("stream", [False, True])
def test_pictures_are_not_sparse(tmp_path: Path, X: sp.csr_matrix, stream: bool) -> None:
    with pytest.raises(
        InputError, match=r"image_shape is not for sparse matrices, as .*words\.npz holds one"
    ):
        loaded(saved(tmp_path, X), stream, image_shape=[1, D])


def test_one_compressed_array_is_enough_to_unpack_a_file(tmp_path: Path, X: sp.csr_matrix) -> None:
    with ZipFile(saved(tmp_path, X)) as whole, ZipFile(tmp_path / "mixed.npz", "w") as mixed:
        for name in whole.namelist():
            packing = ZIP_DEFLATED if name == "indices.npy" else ZIP_STORED
            mixed.writestr(name, whole.read(name), compress_type=packing)
    assert_same(loaded(tmp_path / "mixed.npz", True)[:], X)


@pytest.mark.parametrize("stream", [False, True])
def test_pieces_of_a_number_do_not_change_the_scale(tmp_path: Path, stream: bool) -> None:
    index, indptr = np.tile([0, 0, 1, 2], 20), np.arange(0, 81, 4)
    pieces = sp.csr_matrix((np.arange(80, dtype=np.float32), index, indptr), shape=(20, 3))
    whole = pieces.copy()
    whole.sum_duplicates()
    (tmp_path / "whole").mkdir()
    scaled = [
        loaded(saved(folder, X), stream, scale="standard")[:]
        for folder, X in ((tmp_path, pieces), (tmp_path / "whole", whole))
    ]
    assert_same(*scaled)


@pytest.mark.parametrize("scale", ["auto", None, "standard", "minmax"])
@pytest.mark.parametrize("dtype", ["u1", "?"])
def test_duplicate_entries_are_summed_beyond_their_type(
    tmp_path: Path, dtype: str, scale: str | None
) -> None:
    data, indices, indptr = np.array([200, 100, 50, 7], dtype), [0, 0, 1, 2], np.array([0, 2, 3, 4])
    path = tmp_path / "twice.npz"
    np.savez(path, format=b"csr", shape=(3, 3), data=data, indices=indices, indptr=indptr)
    expected = np.diag(np.add.reduceat(data.astype(np.float64), indptr[:-1]))
    if scale == "auto" and dtype == "u1":
        expected /= 255
    if scale == "minmax":
        expected = np.eye(3)
    if scale == "standard":
        expected /= expected.std(axis=0)
    for stream in (False, True):
        X = loaded(path, stream, scale=scale)
        np.testing.assert_allclose(X[:].toarray(), expected, rtol=1e-6)
