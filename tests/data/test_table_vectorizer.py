"""A vectorizer that is fitted to one table transforms other tables in the same way."""

import json

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from kingdra_repro.data import load_custom
from kingdra_repro.data.features.table_settings import TableSettings
from kingdra_repro.data.features.table_vectorizer import TableVectorizer
from kingdra_repro.data.scaling import fit_scaler, scaler_from_state, scaler_state
from kingdra_repro.errors import InputError

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "height": RNG.normal(5, 2, 40),
        "age": np.where(np.arange(40) % 7 == 3, np.nan, RNG.integers(1, 90, 40)),
        "bark": np.array(["rough", "smooth", None, "torn"], dtype=object)[np.arange(40) % 4],
        "planted": [f"{1 + i % 28}/{1 + i % 12}/2020" for i in range(40)],
        "row": RNG.permutation(40) + 100,
    }
)
ALL = TableSettings(missing="mean", categories="onehot", dates="parts")


def fitted() -> tuple[TableVectorizer, np.ndarray]:
    vectorizer = TableVectorizer(ALL).fit(TABLE)
    return vectorizer, vectorizer.fit_scale(vectorizer.transform(TABLE)[0], "standard")


def test_features_are_scikit_learn_s() -> None:
    vectorizer, X = fitted()
    assert vectorizer.feature_names == [
        "height", "age", "planted month", "planted day", "planted weekday",
        "bark=rough", "bark=smooth", "bark=torn",
    ]  # fmt: skip
    assert vectorizer.left_out == {"row": "row numbers"}
    numbers = TABLE[["height", "age"]].fillna(TABLE[["height", "age"]].mean())
    np.testing.assert_array_equal(X[:, :2], StandardScaler().fit_transform(numbers.to_numpy()))
    encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    encoder.fit(TABLE[["bark"]].dropna())
    np.testing.assert_array_equal(X[:, 5:], encoder.transform(TABLE[["bark"]]))


def test_blanks_around_a_word_make_no_other_word() -> None:
    table = pd.DataFrame(
        {"a": RNG.normal(size=4), "bark": ["red", "red ", " grey", " "], "same": list("xxxx")}
    )
    table.loc[1, "same"] = "x "
    settings = TableSettings(missing="mean", categories="onehot")
    vectorizer = TableVectorizer(settings).fit(table)
    assert vectorizer.feature_names == ["a", "bark=grey", "bark=red"]
    assert vectorizer.left_out == {"same": "the same in all rows"}
    assert vectorizer.transform(table)[0][:, 1:].tolist() == [[0, 1], [0, 1], [1, 0], [0, 0]]


def test_json_holds_all_that_was_fitted() -> None:
    vectorizer, X = fitted()
    other = TableVectorizer.from_state(json.loads(json.dumps(vectorizer.state())))
    # Two rows, which do not determine the mean, the words, or which number of a date is the day.
    part = TABLE.iloc[4:6].assign(unknown="?")[["planted", "unknown", "bark", "age", "height"]]
    values, rows = other.transform(part)
    assert rows.tolist() == [0, 1]
    np.testing.assert_array_equal(other.scale(values), X[4:6])


def test_json_holds_units_and_which_number_of_a_date_is_the_day() -> None:
    table = pd.DataFrame(
        {"sap": [f"{i % 9}%" for i in range(31)], "felled": [f"{i + 1}/3/2021" for i in range(31)]}
    )
    vectorizer = TableVectorizer(ALL).fit(table)
    other = TableVectorizer.from_state(json.loads(json.dumps(vectorizer.state())))
    assert (other.units, other.day_first) == ({"sap": "%"}, {"felled": True})
    early = table.iloc[:3]  # in these, day and month are ambiguous
    np.testing.assert_array_equal(other.transform(early)[0], vectorizer.transform(table)[0][:3])
    with pytest.raises(InputError, match="'sap' has numbers without a unit, where those that were fitted"):
        other.transform(early.assign(sap=["1", "2", "3"]))


@pytest.mark.parametrize("scale", ["standard", "minmax"])
@pytest.mark.parametrize("sparse", [False, True])
def test_a_scaler_comes_back(scale: str, sparse: bool) -> None:
    X = RNG.normal(size=(9, 3)) * [1, 0, 100]
    X = sp.csr_matrix(X) if sparse else X
    scaler = fit_scaler(X, scale)
    again = scaler_from_state(json.loads(json.dumps(scaler_state(scaler)))).transform(X)
    expected = scaler.transform(X)
    np.testing.assert_array_equal(*((m.toarray() if sparse else m) for m in (again, expected)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda table: table.drop(columns=["age", "bark"]),
            "new.csv does not fit: it has no column 'age', 'bark'",
        ),
        (lambda table: table.assign(age="old"), r"new.csv: row 0 .* column 'age': 'old' is not a number"),
        (lambda table: table.assign(planted="soon"), "column 'planted' has a date that cannot be read"),
    ],
)
def test_a_table_that_does_not_fit(change, reason: str) -> None:
    vectorizer, _ = fitted()
    with pytest.raises(InputError, match=reason):
        vectorizer.transform(change(TABLE), "new.csv")


def test_a_word_that_is_new_is_reported_and_is_none_of_those_known(caplog: pytest.LogCaptureFixture) -> None:
    vectorizer, _ = fitted()
    X, _ = vectorizer.transform(TABLE.assign(bark="peeling"), "new.csv")
    assert not X[:, 5:].any()
    assert "new.csv's column 'bark' has words that are new: 'peeling'" in caplog.text


def test_rows_with_missing_cells_are_left_out_with_their_labels(tmp_path) -> None:
    kinds = np.array(["oak", "elm"])[np.arange(40) % 2]
    TABLE.assign(kind=kinds).to_csv(tmp_path / "t.csv", index=False)
    settings = {"drop": ["bark", "planted"], "missing": "drop", "scale": None}
    data = load_custom(tmp_path / "t.csv", labels="kind", **settings)
    kept = np.flatnonzero(TABLE["age"].notna())
    assert data.row_names == [str(row) for row in kept]
    assert data.y.tolist() == (kept % 2 == 0).astype(int).tolist()
    np.testing.assert_allclose(data.X, TABLE[["height", "age"]].to_numpy()[kept], rtol=1e-6)
    np.save(tmp_path / "y.npy", kinds)
    TABLE.to_csv(tmp_path / "x.csv", index=False)
    apart = load_custom(tmp_path / "x.csv", labels=tmp_path / "y.npy", **settings)
    assert apart.y.tolist() == data.y.tolist()


def test_the_median_stands_for_a_missing_number(tmp_path) -> None:
    TABLE[["height", "age"]].to_csv(tmp_path / "t.csv", index=False)
    data = load_custom(tmp_path / "t.csv", n_clusters=2, scale=None, missing="median")
    assert set(data.X[TABLE["age"].isna(), 1]) == {np.float32(TABLE["age"].median())}


def test_words_are_left_out_where_they_shall_be(tmp_path) -> None:
    TABLE[["height", "bark"]].to_csv(tmp_path / "t.csv", index=False)
    assert load_custom(tmp_path / "t.csv", n_clusters=2, categories="ignore").feature_names == ["height"]
    with pytest.raises(InputError, match=r"not numeric: 'bark' .*dataset\.categories=onehot"):
        load_custom(tmp_path / "t.csv", n_clusters=2)


def test_numbers_lie_in_memory_as_pandas_has_them(tmp_path) -> None:
    """The memory order affects the last digit of the features, whose checksum identifies earlier runs."""
    table = TABLE[["height", "row"]].assign(other=RNG.normal(size=40))
    table.iloc[::2].to_csv(tmp_path / "t.csv", index=False)
    expected = StandardScaler().fit_transform(pd.read_csv(tmp_path / "t.csv").to_numpy(np.float64))
    X = load_custom(tmp_path / "t.csv", n_clusters=2).X
    assert X.flags.f_contiguous
    np.testing.assert_array_equal(X, expected.astype(np.float32))


def test_dates_of_rows_whose_names_repeat() -> None:
    days = [f"2021-{month:02}-03" for month in range(1, 13)]
    table = pd.DataFrame({"a": np.arange(12) ** 2, "day": days})
    vectorizer = TableVectorizer(TableSettings(dates="parts", missing="mean")).fit(table)
    table.loc[4, "day"] = None
    expected, _ = vectorizer.transform(table)
    found, _ = vectorizer.transform(table.set_axis(["oak", "ash"] * 6, axis=0))
    np.testing.assert_array_equal(found, expected)
    ambiguous = pd.DataFrame({"a": [1, 3], "day": ["3/4/2021", "4/5/2021"]}, index=["oak", "oak"])
    with pytest.raises(InputError, match=r"dates such as 3/4/2021, whose day"):
        TableVectorizer(ALL).fit(ambiguous)


def test_a_row_without_a_label_is_named_by_its_number_in_the_file(tmp_path) -> None:
    table = pd.DataFrame({"a": np.arange(12.0) ** 2, "kind": ["oak", "ash"] * 6})
    table.loc[0, "a"], table.loc[5, "kind"] = np.nan, None
    table.to_csv(tmp_path / "t.csv", index=False)
    table["kind"].to_frame().to_csv(tmp_path / "kinds.csv", index=False)
    for labels in ("kind", tmp_path / "kinds.csv"):
        with pytest.raises(InputError, match="has no label in row 5 "):
            load_custom(tmp_path / "t.csv", labels=labels, missing="drop", drop=["kind"])
