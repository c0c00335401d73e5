"""Files that do not fit in memory: streamed in blocks, they give the same data as when read into memory."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kingdra_repro.data import StreamedMatrix, load_custom
from kingdra_repro.data.sources import custom_streamed
from kingdra_repro.data.sources.new_points import blocks_of_new_points, read_new_points
from kingdra_repro.data.sources.preprocessing import Preprocessing
from kingdra_repro.errors import InputError
from kingdra_repro.files import checksum_of_array

N, D = 50, 6


@pytest.fixture
def numbers() -> np.ndarray:
    return np.random.default_rng(0).normal(3, 2, (N, D)).astype(np.float32)


def saved(folder: Path, X: np.ndarray) -> Path:
    np.save(folder / "points.npy", X)
    return folder / "points.npy"


def table(X: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])


@pytest.mark.parametrize("scale", [None, "standard", "minmax"])
@pytest.mark.parametrize("dtype", ["<f4", "<f8", ">f4", "<i2", "u1"])
def test_features_are_those_of_a_file_in_memory(tmp_path: Path, numbers, dtype: str, scale) -> None:
    path = saved(tmp_path, (numbers * 10).clip(0).astype(dtype))
    held = load_custom(path, n_clusters=2, scale=scale, stream=False).X
    streamed = load_custom(path, n_clusters=2, scale=scale, stream=True).X
    assert isinstance(streamed, StreamedMatrix)
    np.testing.assert_array_equal(streamed[:], held)
    np.testing.assert_array_equal(streamed[3:20:4], held[3:20:4])
    np.testing.assert_array_equal(streamed[np.array([[7, 1, 7]])[0]], held[[7, 1, 7]])
    np.testing.assert_array_equal(streamed[4], held[4])
    np.testing.assert_array_equal(np.concatenate(list(streamed.blocks(7))), held)


@pytest.mark.parametrize("scale", [None, "standard"])
def test_rows_are_indexed_as_those_of_an_array(tmp_path: Path, numbers, scale) -> None:
    X = load_custom(saved(tmp_path, numbers), n_clusters=2, scale=scale, stream=True).X
    mask = numbers[:, 0] > 3
    for rows in (mask, list(mask), slice(None, None, -1), slice(40, 3, -7), -1, np.array([-N, 2, -3]), []):
        held = X[:][rows]
        np.testing.assert_array_equal(X[rows], held)
    assert len(list(X)) == N
    for rows in (N, -N - 1, np.array([0, N]), mask[:-1], (1, 2), np.array([0.5])):
        with pytest.raises(IndexError):
            X[rows]


def test_float16_stays_float16_on_the_disk_and_is_scaled_as_float32(tmp_path: Path, numbers) -> None:
    half = numbers.astype(np.float16)
    X = load_custom(saved(tmp_path, half), n_clusters=2, scale="standard", stream=True).X
    assert X.stored.dtype == np.float16
    np.testing.assert_allclose(X[:].std(0), 1, atol=1e-5)
    held = load_custom(saved(tmp_path, half), n_clusters=2, scale="standard", stream=False).X
    np.testing.assert_allclose(held, X[:], atol=1e-5)


def test_scaling_fitted_in_blocks_is_that_of_all_rows(tmp_path: Path, numbers, monkeypatch) -> None:
    monkeypatch.setattr(custom_streamed, "NUMBERS_AT_ONCE", 7 * D)
    path = saved(tmp_path, numbers)
    held = load_custom(path, n_clusters=2, scale="standard", stream=False).X
    streamed = load_custom(path, n_clusters=2, scale="standard", stream=True).X
    np.testing.assert_allclose(streamed[:], held, rtol=1e-5, atol=1e-6)
    assert streamed.checksum == checksum_of_array(numbers)


def test_pictures_are_rows_and_keep_their_shape(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (N, 3, 4), dtype=np.uint8)
    path = saved(tmp_path, pixels)
    data = load_custom(path, n_clusters=2, stream=True, image_shape=[3, 4])
    assert data.image_shape == (3, 4)
    for stream in (False, True):
        with pytest.raises(InputError, match=r"image_shape=\[5, 5\] has 25 numbers, but .* holds \(50, 12\)"):
            load_custom(path, n_clusters=2, stream=stream, image_shape=[5, 5])
    np.testing.assert_array_equal(data.X[:], pixels.reshape(N, 12).astype(np.float32) / np.float32(255))


def test_faults_are_told_with_their_row(tmp_path: Path, numbers, monkeypatch) -> None:
    monkeypatch.setattr(custom_streamed, "NUMBERS_AT_ONCE", 7 * D)
    numbers[33, 2] = np.nan
    with pytest.raises(InputError, match=r"NaN .* in row 33, column 2"):
        load_custom(saved(tmp_path, numbers), n_clusters=2, stream=True)
    seconds = 1.7e9 + np.random.default_rng(0).random((N, 1))
    with pytest.raises(InputError, match="float32 hardly resolves"):
        load_custom(saved(tmp_path, seconds), n_clusters=2, stream=True)


def test_a_file_is_streamed_where_it_would_take_half_of_the_memory(
    tmp_path: Path, numbers, monkeypatch
) -> None:
    path = saved(tmp_path, numbers)
    assert isinstance(load_custom(path, n_clusters=2).X, np.ndarray)
    monkeypatch.setattr(custom_streamed, "available_bytes", lambda: 7 * numbers.size)
    assert isinstance(load_custom(path, n_clusters=2).X, StreamedMatrix)
    assert isinstance(load_custom(path, n_clusters=2, stream=False).X, np.ndarray)


@pytest.mark.parametrize("name", ["points.csv", "points.npz", "fortran.npy"])
def test_what_cannot_be_streamed_says_so(tmp_path: Path, numbers, name: str) -> None:
    table(numbers).to_csv(tmp_path / "points.csv", index=False)
    np.savez(tmp_path / "points.npz", X=numbers)
    np.save(tmp_path / "fortran.npy", np.asfortranarray(numbers))
    with pytest.raises(InputError, match=r"dataset.stream=true is for Parquet, .npy"):
        load_custom(tmp_path / name, n_clusters=2, stream=True)


def test_settings_that_are_none_are_refused(tmp_path: Path, numbers) -> None:
    path = saved(tmp_path, numbers)
    for stream in ("yes", 0, 1):
        with pytest.raises(InputError, match=f"dataset.stream must be auto, true or false; got {stream!r}"):
            load_custom(path, n_clusters=2, stream=stream)
    with pytest.raises(InputError, match=r"dataset.buffer_rows must be an integer of at least 32"):
        load_custom(path, n_clusters=2, stream=True, buffer_rows=1)


def test_parquet_is_made_one_file_with_the_columns_of_a_table_in_memory(tmp_path: Path, numbers) -> None:
    """For a file and a folder, labels, row order and handling of row numbers are as for a table in memory."""
    whole = table(numbers).assign(kind=["a", "b"] * (N // 2), number=np.arange(N))
    whole.to_parquet(tmp_path / "whole.parquet")
    (tmp_path / "parts").mkdir()
    for i in range(3):
        whole[i * 20 : i * 20 + 20].to_parquet(tmp_path / "parts" / f"part{i}.parquet", index=False)
    given = {"labels": "kind", "data_dir": tmp_path / "data"}
    held = load_custom(tmp_path / "whole.parquet", **given)
    for name in ("whole.parquet", "parts"):
        data = load_custom(tmp_path / name, stream=True, **given)
        assert isinstance(data.X, StreamedMatrix)
        assert data.X.stored.dtype == np.float32
        np.testing.assert_allclose(data.X[:], held.X, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(data.y, held.y)
        assert data.feature_names == held.feature_names
        made = data.X.path.stat().st_mtime_ns
        assert load_custom(tmp_path / name, stream=True, **given).X.path.stat().st_mtime_ns == made


def test_parquet_with_what_is_no_number_is_refused_by_the_names(tmp_path: Path, numbers) -> None:
    words = table(numbers).assign(word="blue")
    words.to_parquet(path := tmp_path / "words.parquet")
    given = {"n_clusters": 2, "stream": True, "data_dir": tmp_path / "data"}
    with pytest.raises(InputError, match=r"not numeric: 'word'.*dataset.drop=\[word\]"):
        load_custom(path, **given)
    assert load_custom(path, drop=["word"], **given).X.shape == (N, D)
    words.loc[30, "x1"] = None
    words["x1"] = words["x1"].astype("Float32")
    words.to_parquet(path)
    with pytest.raises(InputError, match="missing value in row 30, column 'x1'"):
        load_custom(path, drop=["word"], **given)
    assert not list((tmp_path / "data" / "streamed").glob("*.npy*part*"))


@pytest.mark.parametrize(("path", "remedy"), [("x.parquet", "give dataset.stream=false"), (".", "one file")])
def test_settings_of_tables_in_memory_are_refused_with_a_remedy_that_there_is(
    tmp_path: Path, numbers, path: str, remedy: str
) -> None:
    table(numbers).assign(word="blue").to_parquet(tmp_path / "x.parquet")
    given = {"n_clusters": 2, "stream": True}
    with pytest.raises(InputError, match=f"dataset.missing=mean is for tables in memory.*{remedy}"):
        load_custom(tmp_path / path, missing="mean", **given)
    with pytest.raises(InputError, match=f"dataset.keep_columns=true is for tables in memory.*{remedy}"):
        load_custom(tmp_path / path, keep_columns=True, **given)
    with pytest.raises(InputError, match=f"not numeric: 'word'.*{remedy} where memory holds"):
        load_custom(tmp_path / path, **given)
    with pytest.raises(InputError, match=r"dataset.columns=\['x1', 'x1'\] names a column twice"):
        load_custom(tmp_path / path, columns=["x1", "x1"], **given)


@pytest.mark.parametrize("name", [None, "tree"])
def test_the_index_of_a_data_frame_is_no_column(tmp_path: Path, numbers, name: str | None) -> None:
    some = table(numbers).rename_axis(name)[numbers[:, 0] > 2]
    some.to_parquet(tmp_path / "x.parquet")
    data = load_custom(tmp_path / "x.parquet", n_clusters=2, stream=True, data_dir=tmp_path / "data")
    assert data.feature_names == list(some)


def test_new_points_are_read_as_those_in_memory(tmp_path: Path, numbers, monkeypatch) -> None:
    monkeypatch.setenv("KINGDRA_DATA_DIR", str(tmp_path / "data"))
    path = saved(tmp_path, numbers)
    data = load_custom(path, n_clusters=2, scale="standard", stream=True)
    kept = Preprocessing.from_state(data.preprocessing.state())
    held = read_new_points(kept, path, D).X
    monkeypatch.setattr(custom_streamed, "available_bytes", lambda: 100)
    (streamed,) = blocks_of_new_points(kept, path, D)
    assert isinstance(streamed.X, StreamedMatrix)
    np.testing.assert_allclose(streamed.X[:], held, rtol=1e-5, atol=1e-6)


def odd_table(X: np.ndarray) -> pd.DataFrame:
    """Return a table of numbers and words, some of them missing, dates, and names of rows."""
    found = table(X).assign(
        whole=pd.array(np.arange(N) % 7, "Int64"),
        word=np.array(["oak", "elm", None])[np.arange(N) % 3],
        day=pd.date_range("2024-01-01", periods=N),
        who=[f"tree {i}" for i in range(N)],
    )
    found.loc[30:33, "x1"] = np.nan
    found.loc[40, "whole"] = pd.NA
    return found


@pytest.mark.parametrize("missing", ["mean", "drop"])
def test_new_rows_of_parquet_in_blocks_are_those_of_a_table_in_memory(
    tmp_path: Path, numbers, monkeypatch, caplog, missing: str
) -> None:
    """The model has missing cells, words, dates and names; the folder's blocks are smaller than its files."""
    monkeypatch.setattr("kingdra_repro.data.formats.streamed_parquet.ROWS_AT_ONCE", 4)
    whole = odd_table(numbers)
    (tmp_path / "parts").mkdir()
    whole[:18].to_parquet(tmp_path / "parts" / "0.parquet")
    whole[18:].to_parquet(tmp_path / "parts" / "1.parquet")
    whole.to_parquet(tmp_path / "x.parquet")
    settings = {"missing": missing, "categories": "onehot", "dates": "parts", "id": "who"}
    kept = load_custom(tmp_path / "x.parquet", n_clusters=2, **settings).preprocessing
    held = read_new_points(kept, tmp_path / "x.parquet", 0)
    caplog.clear()
    blocks = list(blocks_of_new_points(kept, tmp_path / "parts", 0, all_columns=True))
    assert len(blocks) > 9
    np.testing.assert_array_equal(np.concatenate([block.X for block in blocks]), held.X)
    assert [name for block in blocks for name in block.names or []] == held.names
    tables = [block.table for block in blocks if block.table is not None]
    pd.testing.assert_frame_equal(
        pd.concat(tables, ignore_index=True), held.table.reset_index(drop=True), check_dtype=False
    )
    rows = np.concatenate([block.rows for block in blocks if block.rows is not None])
    assert [f"tree {row}" for row in rows] == held.names
    told = [record.getMessage() for record in caplog.records]
    assert told == (
        []
        if missing == "mean"
        else [f"20 of 50 rows of {tmp_path / 'parts'} have missing cells and are left out"]
    )


def test_what_is_wrong_with_new_rows_is_told_by_their_number(
    tmp_path: Path, numbers, monkeypatch, caplog
) -> None:
    monkeypatch.setattr("kingdra_repro.data.formats.streamed_parquet.ROWS_AT_ONCE", 4)
    path = tmp_path / "parts" / "x.parquet"
    path.parent.mkdir()
    words = table(numbers).assign(word=["oak", "elm"] * (N // 2))
    words.to_parquet(tmp_path / "x.parquet")
    kept = load_custom(tmp_path / "x.parquet", n_clusters=2, categories="onehot").preprocessing
    words.assign(x1=np.where(np.arange(N) == 33, np.nan, 1)).to_parquet(path)
    with pytest.raises(
        InputError, match=r"NaN .* in row 33, column 'x1' .* kingdra-run dataset.missing=drop"
    ):
        list(blocks_of_new_points(kept, path.parent, 0))
    words.assign(x1=["1"] * 33 + ["much"] + ["2"] * 16).to_parquet(path)
    with pytest.raises(InputError, match=r"row 33 .*, column 'x1': 'much' is not a number"):
        list(blocks_of_new_points(kept, path.parent, 0))
    words.drop(columns="x1").to_parquet(path)
    with pytest.raises(InputError, match=r"no column 'x1'; it has 'x0', 'x2', .*'word'"):
        list(blocks_of_new_points(kept, path.parent, 0))
    caplog.clear()
    words.assign(word="ash").to_parquet(path)
    assert len(list(blocks_of_new_points(kept, path.parent, 0))) > 9
    assert caplog.text.count("words that are new: 'ash'") == 1


def test_parquet_with_damaged_pages_is_told(tmp_path):
    path = tmp_path / "x.parquet"
    pd.DataFrame(np.arange(120.0).reshape(40, 3) % 7, columns=list("abc")).to_parquet(path)
    good, told = path.read_bytes(), 0
    for place in range(4, 200, 5):
        path.write_bytes(good[:place] + b"\xff\xff" + good[place + 2 :])
        try:
            load_custom(path, n_clusters=2, stream=True, data_dir=tmp_path / "data")
        except InputError as error:
            told += "is not a readable .parquet table" in str(error)
    assert told > 0


def test_a_folder_s_parquet_files_whatever_their_names(tmp_path: Path, numbers, caplog) -> None:
    folder = tmp_path / "parts" / "year=2020"
    (folder / ".ipynb_checkpoints").mkdir(parents=True)
    table(numbers[:5]).to_parquet(folder / "a.parquet")
    table(numbers[5:]).to_parquet(folder / "b.PARQUET")
    for hidden in (".ipynb_checkpoints/a-checkpoint.parquet", "._a.parquet", "_b.parquet"):
        table(numbers[:3]).to_parquet(folder / hidden)
    found = load_custom(tmp_path / "parts", n_clusters=2, scale=None, data_dir=tmp_path)
    assert len(found.X) == len(numbers)
    assert "year=2020 are not read as columns" in caplog.text
    table(numbers).assign(more=1.0).to_parquet(folder / "c.parquet")
    with pytest.raises(InputError, match=r"c\.parquet has other columns than .*a\.parquet"):
        load_custom(tmp_path / "parts", n_clusters=2, scale=None, data_dir=tmp_path)


def parts(folder: Path, *columns) -> Path:
    """Write a folder of Parquet files, one for each of `columns`, which is its column a."""
    folder.mkdir()
    for i, a in enumerate(columns):
        table = pd.DataFrame({"a": a, "b": np.arange(len(a)) / 7})
        table.to_parquet(folder / f"part-{i}.parquet", index=False)
    return folder


@pytest.mark.parametrize(
    ("first", "then"),
    [("f2", "f4"), ("f4", "f8"), ("i1", "i4"), ("i8", "f8"), ("u1", "i1")],
)
def test_files_of_a_folder_may_have_other_numbers(tmp_path: Path, first: str, then: str) -> None:
    """pyarrow would cast all files to the dtype of the first: 943.45 would become 943.5 in float16."""
    later = (np.random.default_rng(0).normal(size=9) * 100).astype(then)
    data = load_custom(parts(tmp_path / "x", np.ones(9, first), later), n_clusters=2, scale=None)
    np.testing.assert_array_equal(np.asarray(data.X[9:18])[:, 0], later.astype(np.float32))


def test_files_of_a_folder_that_do_not_fit_are_named(tmp_path: Path) -> None:
    flags, numbers = np.arange(9) % 2 == 0, np.arange(9) / 3
    dates = pd.Series(pd.date_range("2020", periods=9))
    for name, columns, types in (
        ("flags", (flags, numbers), "a has incompatible types: bool vs double"),
        ("dates", (numbers, dates), "a has incompatible types: double vs timestamp"),
        ("third", ([None] * 9, ["oak"] * 9, numbers), "a has incompatible types: .*string vs double"),
    ):
        told = rf"part-{len(columns) - 1}.parquet does not fit the files before it .*{types}.*: save all"
        with pytest.raises(InputError, match=told):
            load_custom(parts(tmp_path / name, *columns), n_clusters=2)


def test_files_without_rows_are_no_fault(tmp_path: Path) -> None:
    numbers = np.arange(9) / 3
    data = load_custom(parts(tmp_path / "x", numbers[:0], numbers, numbers[:0], numbers), n_clusters=2)
    assert data.X.shape == (18, 2)


def test_why_an_array_cannot_be_streamed(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    for array, told in (
        (np.array(["a", "b"]), "holds <U1: give an array of numbers"),
        (np.zeros(5), r"has the shape \(5,\): give an array \[n, d\] with rows"),
        (np.asfortranarray(np.zeros((5, 3))), "C's order"),
    ):
        np.save(path, array)
        with pytest.raises(InputError, match=told):
            load_custom(path, n_clusters=2, stream=True)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(InputError, match="mmap length is greater than file size"):
        load_custom(path, n_clusters=2, stream=True)
