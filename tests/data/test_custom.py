import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse as sp
import sklearn
import torch

from kingdra_repro.data import load_custom
from kingdra_repro.data.sources.new_points import read_new_points
from kingdra_repro.errors import InputError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3))
SPECIES = ["oak", "ash", "elm"] * 4


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tree_table() -> pd.DataFrame:
    table = pd.DataFrame(X * [1, 100, 0.01] + [5, 1e6, 0], columns=["age", "height", "leaf"])
    table["species"] = SPECIES
    return table


def test_npy_as_it_is(folder: Path) -> None:
    np.save("a.npy", X.astype(np.float32))
    data = load_custom("a.npy", n_clusters=3)
    assert (data.name, data.n_clusters, data.y, data.image_shape) == ("a", 3, None, None)
    assert isinstance(data.X, np.memmap)
    np.testing.assert_array_equal(data.X, X.astype(np.float32))


def test_npz_with_labels(folder: Path) -> None:
    np.savez("a.npz", X=X, y=np.array(SPECIES))
    data = load_custom("a.npz")
    assert data.n_clusters == 3
    assert data.y.tolist() == [2, 0, 1] * 4
    assert data.X.dtype == np.float32


def test_sparse_npz_stays_sparse(folder: Path) -> None:
    matrix = sp.random(12, 30, 0.2, random_state=0)
    sp.save_npz("a.npz", matrix)
    data = load_custom("a.npz", n_clusters=2)
    assert isinstance(data.X, sp.csr_matrix)
    np.testing.assert_allclose(data.X.toarray(), matrix.toarray(), rtol=1e-6)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_table(folder: Path, kind: str) -> None:
    table = tree_table()
    table.to_csv("t.csv", index=False) if kind == "csv" else table.to_parquet("t.parquet")
    data = load_custom(f"t.{kind}", labels="species")
    assert (data.X.shape, data.X.dtype, data.n_clusters) == ((12, 3), np.float32, 3)
    assert data.y.tolist() == [2, 0, 1] * 4
    # All columns of a table are standardised, including the one whose values are near a million.
    expected = (X - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(data.X, expected, atol=1e-5)


def test_table_without_labels(folder: Path) -> None:
    tree_table().drop(columns="species").to_csv("t.csv", index=False)
    assert load_custom("t.csv", n_clusters=3).y is None


def test_row_numbers_that_pandas_wrote_are_no_feature(folder: Path) -> None:
    tree_table().to_csv("t.csv")
    assert load_custom("t.csv", labels="species").X.shape == (12, 3)


def test_chosen_columns(folder: Path) -> None:
    tree_table().to_csv("t.csv", index=False)
    assert load_custom("t.csv", columns=["leaf", "age"], n_clusters=2).X.shape == (12, 2)
    with pytest.raises(InputError, match="no column 'hight': it has 'age', 'height'"):
        load_custom("t.csv", columns=["hight"], n_clusters=2)


def test_labels_of_a_file(folder: Path) -> None:
    np.save("a.npy", X)
    np.save("y.npy", np.arange(12) % 4)
    pd.DataFrame({"kind": SPECIES}).to_csv("y.csv", index=False)
    assert load_custom("a.npy", labels="y.npy").n_clusters == 4
    assert load_custom("a.npy", labels="y.csv").n_clusters == 3
    assert load_custom("a.npy", labels="y.csv", n_clusters=5).n_clusters == 5
    tree_table().drop(columns="species").to_csv("t.csv", index=False)
    assert load_custom("t.csv", labels="y.npy").n_clusters == 4


@pytest.mark.parametrize(
    ("scale", "low", "high"), [("minmax", 0.0, 1.0), (None, X.min(), X.max()), ("auto", X.min(), X.max())]
)
def test_scale_of_an_array(folder: Path, scale: str | None, low: float, high: float) -> None:
    np.save("a.npy", X)
    data = load_custom("a.npy", n_clusters=2, scale=scale)
    assert data.X.dtype == np.float32
    assert data.X.min() == pytest.approx(low)
    assert data.X.max() == pytest.approx(high)


@pytest.mark.parametrize("scale", ["minmax", "standard"])
def test_scaling_keeps_sparse_zeros(folder: Path, scale: str) -> None:
    matrix = sp.random(40, 5, 0.3, random_state=0, format="csr") * 50
    sp.save_npz("a.npz", matrix)
    scaled = load_custom("a.npz", n_clusters=2, scale=scale).X
    assert isinstance(scaled, sp.csr_matrix)
    assert scaled.nnz == matrix.nnz
    if scale == "standard":
        np.testing.assert_allclose(scaled.toarray().std(axis=0), 1, rtol=1e-5)
    else:
        assert scaled.max() == 1


def test_pixels_of_8_bits_are_never_fed_as_0_to_255(folder: Path) -> None:
    np.save("a.npy", np.arange(256, dtype=np.uint8).reshape(64, 4))
    data = load_custom("a.npy", n_clusters=2)
    assert (data.X.min(), data.X.max()) == (0, 1)


@pytest.mark.parametrize("kind", [np.array, sp.csc_matrix])
def test_truth_values_of_matlab_are_no_pixels(folder: Path, kind) -> None:
    scipy.io.savemat("a.mat", {"fea": kind(X > 0), "gnd": np.arange(12)[:, None] % 2 == 0})
    data = load_custom("a.mat")
    dense = data.X.toarray() if sp.issparse(data.X) else data.X
    np.testing.assert_array_equal(dense, X > 0)
    assert data.y.tolist() == [1, 0] * 6
    assert data.class_names == ["0", "1"]


def test_large_values_are_reported(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    np.save("a.npy", X * 100)
    with caplog.at_level(logging.WARNING):
        load_custom("a.npy", n_clusters=2)
    assert "dataset.scale=standard" in caplog.text


def test_home_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    np.save("a.npy", X)
    assert load_custom("~/a.npy", n_clusters=2).X.shape == (12, 3)


def write_wrong_labels() -> None:
    """Write the files for the mistakes below."""
    np.save("a.npy", X)
    np.save("nan.npy", np.where(np.arange(36).reshape(12, 3) == 10, np.nan, X))
    np.save("objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez("objects.npz", X=np.array([{}], dtype=object))
    np.savez("unnamed.npz", X)
    np.save("short.npy", np.arange(11) % 2)
    np.save("strings.npy", np.full((12, 2), "a"))
    Path("broken.npy").write_bytes(b"not numpy")
    Path("broken.npz").write_bytes(b"not a zip")
    Path("empty.csv").write_text("")
    Path("heading.csv").write_text("1.5,2.5\n3,4\n5,6\n")
    Path("two.csv").write_text("a,b\n1,2\n")
    Path("broken.csv").write_text('a,b\n1,2\n1,2,3,4\n"')
    Path("broken.parquet").write_bytes(b"PAR0")
    Path("gap.csv").write_text("a,height\n1,2\n3,\n5,6\n")
    Path("a.doc").write_bytes(b"")
    tree_table().to_csv("trees.csv", index=False)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"path": "none.npy"}, r"dataset.path=none.npy does not exist \(/.*none.npy\)"),
        ({"path": "a.npy"}, "a.npy has no labels to count: give n_clusters=K"),
        ({"path": "a.npy", "n_clusters": 13}, "n_clusters must be at most n_samples=12"),
        ({"path": "a.npy", "n_clusters": 1}, "n_clusters must be an integer from 2 to .*; got 1"),
        (
            {"path": "a.npy", "labels": "short.npy"},
            r"dataset.labels=short.npy has 11 labels, the data have 12 rows: give each row one",
        ),
        ({"path": "a.npy", "labels": "none.npy"}, "dataset.labels=none.npy does not exist"),
        ({"path": "a.npy", "labels": "a.npy"}, r"labels of shape \(12, 3\)"),
        ({"path": "a.npy", "labels": "two.csv"}, "has the columns 'a', 'b'"),
        ({"path": "a.npy", "labels": "a.doc"}, "neither a .npy file nor a table"),
        ({"path": "a.npy", "columns": ["a"]}, "for tables"),
        ({"path": "a.npy", "scale": "log"}, "scale must be auto, null, minmax or standard; got 'log'"),
        ({"path": "nan.npy"}, "NaN .* in row 3, column 1"),
        ({"path": "strings.npy"}, "not numeric"),
        ({"path": "objects.npy"}, "never unpickled"),
        ({"path": "objects.npz"}, "never unpickled"),
        ({"path": "unnamed.npz"}, r"no array named X \(it has arr_0\)"),
        ({"path": "broken.npy"}, "not a readable .npy"),
        ({"path": "broken.npz"}, "not a readable .npz"),
        ({"path": "a.doc"}, "has an unknown format"),
        ({"path": "a.npy", "missing": "drop"}, r"dataset\.missing=drop is for tables"),
        ({"path": "trees.csv", "missing": "mode"}, "missing must be one of error, drop, mean, median; got"),
        ({"path": "empty.csv"}, "not a readable .csv"),
        ({"path": "broken.csv"}, "not a readable .csv"),
        ({"path": "broken.parquet"}, "not a readable .parquet"),
        ({"path": "heading.csv"}, r"numbers in its first line \(1.5, 2.5"),
        ({"path": "gap.csv"}, "NaN .* in row 1, column 'height'"),
        ({"path": "trees.csv"}, "not numeric: 'species'.*dataset.labels=NAME"),
        (
            {"path": "trees.csv", "labels": "kind"},
            "labels=kind is neither .* 'age', 'height', 'leaf', 'species'",
        ),
        ({"path": "trees.csv", "columns": ["leaf"], "labels": "age"}, "measurements"),
    ],
)
def test_mistake(folder: Path, arguments: dict, reason: str) -> None:
    write_wrong_labels()
    arguments = dict(arguments)
    if arguments != {"path": "a.npy"} and "labels" not in arguments:
        arguments.setdefault("n_clusters", 2)
    with pytest.raises(InputError, match=reason) as caught:
        load_custom(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\n0,0,0\n1,2,3\n", "more values than its first line has names"),
        ("a;b\n1;2;3\n3;4\n", r"Expected 2 fields|more values|is not a readable"),
        ("a;b\n1,234;2,345\n3,456;4,567\n", "thousands or decimals: give dataset.decimal"),
    ],
)
def test_a_table_whose_separator_or_decimals_are_in_doubt(folder: Path, text: str, reason: str) -> None:
    Path("t.csv").write_text(text)
    with pytest.raises(InputError, match=reason):
        load_custom("t.csv", n_clusters=2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1.5,,5\n3,4,2\n", "numbers in its first line"),
        ("1.5,NA,5\n3,4,2\n", "numbers in its first line"),
        ("2001,2002\n3,4\n", r"dataset\.header=first where these are names"),
        ("a,b,a\n1,2,3\n4,5,6\n", "two columns named 'a'"),
        ("a,,b\n1,2,3\n4,5,6\n", r"no name for column 1 \(counted from 0\)"),
        (",a\n7,2\n7,5\n", r"no name for column 0"),
        ("x\n1\n\n4\n5\n", "NaN .* in row 1"),
        ("a,b\n", "no rows below its first line"),
    ],
)
def test_a_first_line_and_rows_that_are_not_what_they_seem(folder: Path, text: str, reason: str) -> None:
    Path("t.csv").write_text(text)
    with pytest.raises(InputError, match=reason):
        load_custom("t.csv", n_clusters=2)


def test_an_ending_in_capitals(folder: Path) -> None:
    tree_table().to_csv("T.CSV", index=False)
    assert load_custom("T.CSV", labels="species").X.shape == (12, 3)


def test_labels_of_one_class(folder: Path) -> None:
    tree_table().assign(species="oak").to_csv("t.csv", index=False)
    with pytest.raises(InputError, match="fewer than two classes"):
        load_custom("t.csv", labels="species")


def test_texts_that_are_the_labels(folder: Path) -> None:
    tree_table().to_csv("t.csv", index=False)
    with pytest.raises(InputError, match=r"dataset\.text=species is dataset\.labels"):
        load_custom("t.csv", labels="species", text="species")


def test_blank_lines_at_the_end_are_its_end(folder: Path) -> None:
    Path("t.csv").write_text("x\n1\n2\n4\n\n\n")
    assert load_custom("t.csv", n_clusters=2).X.shape == (3, 1)


def test_blank_lines_between_texts_are_empty_texts(folder: Path) -> None:
    Path("t.csv").write_text("text\nold oak\n\nyoung oak\nold elm\n")
    assert load_custom("t.csv", n_clusters=2, text="text").X.shape[0] == 4


def test_row_numbers_of_a_part_of_a_table(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    tree_table().iloc[[5, 2, 9, 3]].to_csv("t.csv")
    assert load_custom("t.csv", labels="species", n_clusters=2).X.shape == (4, 3)
    assert "first column of t.csv has no name" in caplog.text


def test_numbers_are_names_in_parquet(folder: Path) -> None:
    pd.DataFrame(np.eye(4)).to_parquet("t.parquet")
    assert load_custom("t.parquet", n_clusters=2).X.shape == (4, 4)


def test_columns_have_no_effect_beside_text(folder: Path) -> None:
    tree_table().to_csv("t.csv", index=False)
    with pytest.raises(InputError, match=r"no effect beside dataset\.text"):
        load_custom("t.csv", n_clusters=2, text="species", columns=["age"])
    for name, value in {"drop": ["age"], "missing": "drop", "categories": "ignore", "dates": "parts"}.items():
        with pytest.raises(InputError, match=rf"dataset\.{name}=.* has no effect beside dataset\.text"):
            load_custom("t.csv", n_clusters=2, text="species", **{name: value})


@pytest.mark.parametrize("name", ["path", "labels"])
def test_an_empty_name(folder: Path, name: str) -> None:
    np.save("x.npy", np.eye(4))
    with pytest.raises(InputError, match=f"dataset.{name} must not be empty"):
        load_custom(**{"path": "x.npy", "n_clusters": 2, name: ""})


def test_a_time_in_seconds_is_not_lost_in_float32(folder: Path) -> None:
    np.save("x.npy", 1.7e9 + np.random.default_rng(0).normal(size=(20, 2)))
    with pytest.raises(InputError, match=r"column 0 varies by .* about 1\.7e"):
        load_custom("x.npy", n_clusters=2)
    assert load_custom("x.npy", n_clusters=2, scale="standard").X.std() == pytest.approx(1)


def test_columns_by_name(folder: Path) -> None:
    tree_table().to_csv("t.csv", index=False)
    assert load_custom("t.csv", n_clusters=2, columns="age").feature_names == ["age"]
    with pytest.raises(InputError, match="names a column twice"):
        load_custom("t.csv", n_clusters=2, columns=["age", "age"])
    with pytest.raises(InputError, match=r"which is dataset\.labels"):
        load_custom("t.csv", labels="species", columns=["age", "species"])
    with pytest.raises(InputError, match=r"dataset\.columns must be a list of names; got 2\.5"):
        load_custom("t.csv", n_clusters=2, columns=2.5)


def test_a_single_value_is_no_array_of_rows(folder: Path) -> None:
    np.save("x.npy", 3.5)
    with pytest.raises(InputError, match=r"x\.npy holds a single value"):
        load_custom("x.npy", n_clusters=2)


@pytest.mark.parametrize("scale", ["standard", "minmax"])
@pytest.mark.parametrize("least", [1, 10**12])  # available bytes: streamed, or in memory
def test_new_points_are_dense_where_the_scaler_shifts(
    folder: Path, scale: str, least: int, monkeypatch
) -> None:
    np.save("x.npy", X)
    sp.save_npz("new.npz", sp.csr_matrix(X))
    kept = load_custom("x.npy", n_clusters=2, scale=scale).preprocessing
    monkeypatch.setattr("kingdra_repro.data.sources.custom_streamed.available_bytes", lambda: least)
    with pytest.raises(InputError, match=r"new\.npz is a sparse matrix, .*make it dense"):
        read_new_points(kept, Path("new.npz"), 3)


@pytest.mark.parametrize("index", [4_000_000, -3])
def test_a_sparse_matrix_with_an_index_beyond_it(folder: Path, index: int) -> None:
    matrix = sp.random(60, 40, 0.1, format="csr", random_state=0)
    matrix.indices[5] = index
    sp.save_npz("a.npz", matrix)
    with pytest.raises(InputError, match=r"a\.npz is not a readable"):
        load_custom("a.npz", n_clusters=2)


def test_only_columns_that_are_constant_are_left_out(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = pd.DataFrame({"large": 1e9 + RNG.integers(0, 4, 12), "same": 7, "small": RNG.normal(size=12)})
    table.to_csv("t.csv", index=False)
    with caplog.at_level(logging.WARNING):
        assert load_custom("t.csv", n_clusters=2).feature_names == ["large", "small"]
    assert "'same' (the same in all rows)" in caplog.text
    assert load_custom("t.csv", n_clusters=2, columns=["same", "small"]).feature_names == ["same", "small"]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("a.npy", {"scale": "standard"}),
        ("a.npy", {"scale": "minmax", "stream": True}),
        ("a.csv", {"categories": "onehot"}),
    ],
)
def test_arrays_also_where_scikit_learn_is_set_to_return_tables(
    folder: Path, name: str, settings: dict
) -> None:
    given = X if name == "a.npy" else tree_table()
    np.save(name, X) if name == "a.npy" else tree_table().to_csv(name, index=False)
    expected = load_custom(name, n_clusters=3, **settings).X[:]
    with sklearn.config_context(transform_output="pandas"):
        data = load_custom(name, n_clusters=3, **settings)
        for found in (data.X[:], data.preprocessing.features(given, data.X.shape[1])):
            assert isinstance(found, np.ndarray)
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("stream", [False, True])
def test_a_shape_of_pictures_that_are_stored_with_another(folder: Path, stream: bool) -> None:
    np.save("p.npy", RNG.random((12, 4, 9)))
    with pytest.raises(InputError, match=r"image_shape=\[6, 6\] differs .* have \[4, 9\]: correct it"):
        load_custom("p.npy", n_clusters=2, image_shape=[6, 6], stream=stream)
    assert load_custom("p.npy", n_clusters=2, image_shape=[4, 9], stream=stream).image_shape == (4, 9)


def test_new_points_in_python_that_are_masked_tensors_or_missing(folder: Path) -> None:
    np.save("a.npy", X)
    preprocessing = load_custom("a.npy", n_clusters=2).preprocessing
    assert preprocessing is not None
    tensor = torch.tensor(X, requires_grad=True)
    np.testing.assert_array_equal(preprocessing.features(tensor, 3), X.astype(np.float32))
    with pytest.raises(InputError, match=r"1 masked values: fill them in"):
        preprocessing.features(np.ma.masked_greater_equal(X, X.max()), 3)
    with pytest.raises(InputError, match=r"X is not numeric .*NAType"):
        preprocessing.features(pd.DataFrame({"a": [1], "b": [2], "c": pd.array([None], "Int64")}), 3)
