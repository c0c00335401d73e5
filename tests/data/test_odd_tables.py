"""Tables as written by instruments, spreadsheets, R and NumPy, read without settings if that is safe."""

import io
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kingdra_repro.data import load_custom
from kingdra_repro.data.sources.new_points import read_new_points
from kingdra_repro.errors import InputError

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=20).round(2), (1000 + 50 * RNG.normal(size=20)).round(1)
PLAIN = "a,b\n" + "".join(f"{a},{b}\n" for a, b in zip(A, B, strict=True))
EXPECTED = np.column_stack([A, B]).astype(np.float32)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def rows(form: str, head: str = "") -> str:
    return head + "".join(form.format(i=i + 1, a=A[i], b=B[i]) + "\n" for i in range(20))


def savetxt(**how: str) -> str:
    file = io.StringIO()
    np.savetxt(file, np.column_stack([A, B]), **how)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("dos.csv", ("\ufeff" + PLAIN + "\n\n").replace("\n", "\r\n")),
        ("mac.csv", PLAIN.replace("\n", "\r")),
        ("line_separators.jsonl", rows('{{"a": {a}, "b": {b}, "id": "x\u2028y\x85z"}}')),
        ("title.csv", "Trees of 2023\n\nMeasured by hand\n" + PLAIN),
        ("comment.csv", "# Trees of 2023\n# by hand\n" + PLAIN),
        ("excel.csv", "sep=;\n" + PLAIN.replace(",", ";")),
        ("pipe.txt", PLAIN.replace(",", "|")),
        ("spaces.csv", PLAIN.replace(",", ", ")),
        ("columns.txt", rows("  {a:10}\t{b:12}", "a b\n")),
        ("r_table.txt", rows('"{i}" {a} {b}', '"a" "b"\n')),
        ("r_unquoted.csv", rows("{i},{a},{b}", "a,b\n")),
        ("r.csv", rows('"{i}",{a},{b}', '"","a","b"\n')),
        ("trailing.csv", rows("{a};{b};", "a;b;\n")),
        ("thousands.csv", rows('{a},"{b:,}"', "a,b\n")),
        ("units.csv", rows("{a}%,€{b}", "a,b\n")),
        ("numpy.txt", savetxt(header="a b")),
        (
            "signs.csv",
            rows("{a};{b:,}", "a;b\n").replace("-", "\u2212").replace(",", "\u00a0").replace(".", ","),
        ),
        ("constant.csv", rows("{i},{a},{b},14.62,", "number,a,b,same,nothing\n")),
        ("dates.csv", rows("{a},2024-01-{i:02},{b}", "a,day,b\n")),
    ],
)
def test_the_same_numbers(name: str, content: str) -> None:
    Path(name).write_bytes(content.encode())
    data = load_custom(name, n_clusters=2, scale=None)
    assert data.feature_names == ["a", "b"]
    np.testing.assert_array_equal(data.X, EXPECTED)


@pytest.mark.parametrize(
    ("name", "head", "names"),
    [
        ("utf8.csv", "\ufeffa,b\n", ["a", "b"]),
        ("comment.csv", "#a,b\n", ["#a", "b"]),
        ("numpy.csv", "# a,b\n", ["a", "b"]),
        ("both.csv", "# Trees, oaks\na,b\n", ["a", "b"]),
    ],
)
def test_names_in_the_first_line_as_given(name: str, head: str, names: list[str]) -> None:
    Path(name).write_text(rows("{a},{b}", head), encoding="utf-8")
    data = load_custom(name, n_clusters=2, scale=None, encoding="utf-8", header="first")
    assert data.feature_names == names
    np.testing.assert_array_equal(data.X, EXPECTED)


def test_a_comment_of_names_above_words_is_the_first_line_where_that_is_given() -> None:
    Path("t.csv").write_text(rows("{a},{b},oak", "#a,b,kind\n"))
    assert load_custom("t.csv", n_clusters=2, header="first", drop="kind").feature_names == ["#a", "b"]


def test_json_of_another_encoding() -> None:
    Path("t.jsonl").write_bytes(rows('{{"Länge": {a}, "b": {b}}}').encode("latin-1"))
    with pytest.raises(InputError, match=r"not written in the encoding UTF-8 .*give dataset.encoding=NAME"):
        load_custom("t.jsonl", n_clusters=2)
    assert load_custom("t.jsonl", n_clusters=2, encoding="latin-1").feature_names == ["Länge", "b"]


def test_a_long_text() -> None:
    Path("t.csv").write_text("a,b,text\n" + rows("{a},{b},short").replace("short", "x" * 200_000, 1))
    np.testing.assert_array_equal(load_custom("t.csv", n_clusters=2, drop="text", scale=None).X, EXPECTED)


def test_labels_and_names_of_rows_may_be_dropped_too() -> None:
    Path("t.csv").write_text(rows("{a},{b},tree {i},oak\n{a},{b},tree {i},ash", "a,b,id,kind\n"))
    data = load_custom("t.csv", labels="kind", id="id", drop=["kind", "id"])
    assert (data.feature_names, data.class_names) == (["a", "b"], ["ash", "oak"])


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_names_of_another_encoding(encoding: str) -> None:
    Path("t.csv").write_text(rows("{a};{b}", "Länge;Höhe\n").replace(".", ","), encoding=encoding)
    data = load_custom("t.csv", n_clusters=2, scale=None)
    assert data.feature_names == ["Länge", "Höhe"]
    np.testing.assert_array_equal(data.X, EXPECTED)


def test_values_in_the_first_line(caplog: pytest.LogCaptureFixture) -> None:
    Path("t.txt").write_text(savetxt())
    data = load_custom("t.txt", n_clusters=2, scale=None, header="none")
    np.testing.assert_array_equal(data.X, EXPECTED)
    Path("t.csv").write_text(rows("{b},{a},{a}"))
    with caplog.at_level(logging.WARNING):
        assert load_custom("t.csv", n_clusters=2).feature_names == ["0", "1", "2"]
    assert "t.csv has values in its first line" in caplog.text


def test_decimal_commas_in_one_column_need_to_be_given() -> None:
    Path("t.csv").write_text(rows("{a}", "x\n").replace(".", ","))
    with pytest.raises(InputError, match=r"dataset\.decimal=SIGN"):
        load_custom("t.csv", n_clusters=2)
    assert load_custom("t.csv", n_clusters=2, scale=None, decimal=",").X[:, 0] == pytest.approx(A, abs=1e-6)


def test_thousands_where_the_decimal_sign_is_given() -> None:
    """As errors about decimals recommend; 1.100 and 950 in one column were once read as 1.1 and 950."""
    counts = [1100.0 + i if i % 2 else 950.0 for i in range(20)]
    for decimal, thousands in (",.", ".,"):
        signs = str.maketrans(".,", decimal + thousands)
        for form in ("{:,.0f}", "{:,.2f}"):
            lines = [
                f"{a};{form.format(n)};03.04.2021\n".translate(signs) for a, n in zip(A, counts, strict=True)
            ]
            Path("t.csv").write_text("a;n;day\n" + "".join(lines))
            data = load_custom("t.csv", n_clusters=2, scale=None, decimal=decimal, drop="day")
            np.testing.assert_array_equal(data.X, np.column_stack([A, counts]).astype(np.float32))
            new = read_new_points(data.preprocessing, Path("t.csv"), 2)
            np.testing.assert_array_equal(new.X, data.X)
    Path("t.csv").write_text("".join(["a;b\n", *(f"{i},5;47.{100 + i}\n{i},5;8.5\n" for i in range(20))]))
    data = load_custom("t.csv", n_clusters=2, scale=None, decimal=",")
    np.testing.assert_allclose(data.X[:4], [[0.5, 47.1], [0.5, 8.5], [1.5, 47.101], [1.5, 8.5]], rtol=1e-6)


def test_a_separator_that_the_file_names() -> None:
    Path("t.csv").write_text(PLAIN.replace(",", ":"))
    np.testing.assert_array_equal(load_custom("t.csv", n_clusters=2, scale=None, separator=":").X, EXPECTED)


def test_an_excel_sheet_with_a_title_and_an_index(caplog: pytest.LogCaptureFixture) -> None:
    with pd.ExcelWriter("t.xlsx") as sheet:
        pd.DataFrame({"Trees of 2023": []}).to_excel(sheet, index=False)
        pd.DataFrame({"a": A, "b": B}).to_excel(sheet, startrow=3, startcol=2)
    np.testing.assert_array_equal(load_custom("t.xlsx", n_clusters=2, scale=None).X, EXPECTED)
    assert "sheets" not in caplog.text


def test_that_an_excel_file_has_more_sheets_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with pd.ExcelWriter("t.xlsx") as file:
        pd.DataFrame({"a": A, "b": B}).to_excel(file, sheet_name="2023", index=False)
        pd.DataFrame({"a": B, "b": A}).to_excel(file, sheet_name="2024", index=False)
    np.testing.assert_array_equal(load_custom("t.xlsx", n_clusters=2, scale=None).X, EXPECTED)
    assert "t.xlsx has 2 sheets: '2023' is read" in caplog.text


@pytest.mark.parametrize(
    ("content", "settings", "reason"),
    [
        (rows("{a},12o", "a,b\n"), {"categories": "onehot"}, None),
        (PLAIN + "3,12o\n", {}, r"t\.csv: row 20 .* column 'b': '12o' is not a number: correct it"),
        (PLAIN.replace(",", ";") + "3;1,5\n", {}, r"'1,5' is not a number: give dataset\.decimal=','"),
        (
            PLAIN.replace(",", ";").replace(".", ",") + "3;1o\n",
            {},
            r"column 'b': '1o' is not a number: correct",
        ),
        (PLAIN + "3,\\N\n", {}, "NaN .* in row 20, column 'b'"),
        (PLAIN + "3,inf\n", {}, r"row 20 .* column 'b': 'inf' is infinite"),
        (PLAIN + "3,?\n", {}, r"NaN .* in row 20, column 'b' .* give kingdra-run dataset\.missing=drop"),
        (rows("{a},{i}/1/24", "a,b\n"), {"dates": "parts"}, None),
        (rows("{a},1/2/2024", "a,b\n"), {"dates": "parts", "columns": ["b"]}, "day and month are ambiguous"),
        (rows("{a},tree {i}", "a,b\n"), {"categories": "onehot"}, None),
        ("a\n1\n\0\n", {}, "contains zero bytes"),
        ("1.5,2.5\n", {"header": "maybe"}, "header must be auto, first or none; got 'maybe'"),
        (PLAIN, {"decimal": "x"}, r"dataset\.decimal must be '.' or ','; got 'x'"),
        (PLAIN, {"encoding": "utf-99"}, "unknown dataset.encoding='utf-99': choose one such as utf-8"),
        (PLAIN, {"separator": "ab"}, "separator must be one character, tab or blanks; got 'ab'"),
        (PLAIN, {"drop": ["c"]}, "no column 'c'"),
        (PLAIN, {"drop": ["a", "b"]}, "no column left"),
        (PLAIN, {"id": "c"}, r"no column 'c' \(dataset\.id\)"),
        (PLAIN, {"id": "a", "columns": ["a"]}, "named for another purpose"),
    ],
)
def test_what_is_in_doubt(content: str, settings: dict, reason: str | None) -> None:
    Path("t.csv").write_text(content)
    if reason is None:
        assert len(load_custom("t.csv", n_clusters=2, **settings).X) == 20
    else:
        with pytest.raises(InputError, match=reason) as caught:
            load_custom("t.csv", n_clusters=2, **settings)
        assert "\n" not in str(caught.value)


def test_an_integer_beyond_all_floats_is_infinite() -> None:
    Path("t.jsonl").write_text("".join(f'{{"a": {i}, "b": {10**400 if i == 3 else i}}}\n' for i in range(20)))
    with pytest.raises(InputError, match=r"row 3 .* column 'b': '10{39}' is infinite|int too large"):
        load_custom("t.jsonl", n_clusters=2)


def test_a_data_frame_of_new_points_has_columns_as_the_file_does() -> None:
    Path("t.csv").write_text(savetxt(delimiter=","))
    kept = load_custom("t.csv", n_clusters=2, header="none").preprocessing
    table = pd.read_csv("t.csv", header=None)
    np.testing.assert_array_equal(kept.features(table, 2), read_new_points(kept, Path("t.csv"), 2).X)
    with pytest.raises(InputError, match="X has two columns named '1': give each a name of its own"):
        kept.features(table[[0, 1, 1]], 2)


def test_many_different_words_are_no_categories() -> None:
    Path("t.csv").write_text("a,b\n" + "".join(f"{i % 7},tree {i}\n" for i in range(60)))
    with pytest.raises(InputError, match=r"60 different words.*dataset\.id=b or dataset\.text=b"):
        load_custom("t.csv", n_clusters=2, categories="onehot")
    data = load_custom("t.csv", n_clusters=2, id="b")
    assert data.row_names[:2] == ["tree 0", "tree 1"]


@pytest.mark.parametrize("ending", ["csv", "xlsx", "jsonl", "parquet"])
def test_a_class_may_be_called_none_or_na(ending: str) -> None:
    table = pd.DataFrame({"a": A, "b": B, "kind": np.array(["None", "NA", "null", "oak"])[np.arange(20) % 4]})
    write = {
        "csv": lambda: table.to_csv("t.csv", index=False),
        "xlsx": lambda: table.to_excel("t.xlsx", index=False),
        "jsonl": lambda: table.to_json("t.jsonl", orient="records", lines=True),
        "parquet": lambda: table.to_parquet("t.parquet"),
    }
    write[ending]()
    assert load_custom(f"t.{ending}", labels="kind").class_names == ["NA", "None", "null", "oak"]


def test_truth_values_beside_missing_ones() -> None:
    Path("t.csv").write_text(rows("{a},True", "a,is\n") + "1,\n2,False\n")
    data = load_custom("t.csv", n_clusters=2, scale=None, missing="drop")
    assert data.X[:, 1].tolist() == [1] * 20 + [0]


@pytest.mark.parametrize(
    "form", ["{0}-{1:02}-{2:02}", "{2:02}.{1:02}.{0}", "{2}/{1}/{0}", "{1:02}-{2:02}-{0}", "{0}/{1}/{2}"]
)
def test_day_and_month_of_a_date(form: str) -> None:
    days = pd.date_range("2009-12-30", periods=60, freq="3D")
    written = [form.format(day.year, day.month, day.day) for day in days]
    pd.DataFrame({"when": written, "x": range(60)}).to_csv("dates.csv", index=False)
    data = load_custom("dates.csv", n_clusters=2, scale=None, dates="parts")
    found = {name: data.X[:, i] for i, name in enumerate(data.feature_names)}
    np.testing.assert_array_equal(found["when month"], days.month)
    np.testing.assert_array_equal(found["when day"], days.day)


def test_a_sign_between_thousands_is_none_in_other_columns() -> None:
    """pandas would remove the thousands separator from every cell, including dates and decimals."""
    lines = [f"{1 + i % 28:02}.01.2021;1.{100 + i},95;47.{1000 + i};{i},{i},{i}\n" for i in range(40)]
    Path("de.csv").write_text("Datum;Betrag;Breite;Version\n" + "".join(lines))
    data = load_custom("de.csv", n_clusters=2, scale=None, categories="ignore")
    assert data.feature_names == ["Betrag", "Breite"]
    np.testing.assert_allclose(data.X[:2], [[1100.95, 47.1], [1101.95, 47.1001]])


@pytest.mark.parametrize("stream", [False, True])
def test_an_index_of_several_levels_has_no_names(stream: bool) -> None:
    groups = pd.MultiIndex.from_product([["oak", "ash"], range(10)], names=["kind", "plot"])
    pd.DataFrame({"a": A, "b": B}, index=groups).to_parquet("t.parquet")
    data = load_custom("t.parquet", n_clusters=2, scale=None, stream=stream, data_dir="data")
    assert (data.feature_names, data.row_names) == (["a", "b"], None)
    np.testing.assert_array_equal(data.X[:], EXPECTED)


@pytest.mark.parametrize("start", ["{i}", "tree {i}"])
def test_separators_at_the_ends_of_all_lines_but_the_first_shift_no_names(start: str) -> None:
    Path("t.csv").write_text(rows(start + ",{a},{b},", "tree,a,b\n"))
    data = load_custom("t.csv", n_clusters=2, scale=None, id="tree")
    assert (data.feature_names, data.row_names[0]) == (["a", "b"], start.format(i=1))
    np.testing.assert_array_equal(data.X, EXPECTED)


def test_numbers_as_names_in_an_excel_sheet_do_not_depend_on_the_values() -> None:
    def sheet(name: str, *columns: np.ndarray) -> None:
        names = list(range(2020, 2020 + len(columns)))
        pd.DataFrame(dict(zip(names, columns, strict=True))).to_excel(name, index=False)

    sheet("t.xlsx", A, np.arange(20) ** 2)
    data = load_custom("t.xlsx", n_clusters=2, scale=None)
    assert data.feature_names == ["2020", "2021"]
    sheet("whole.xlsx", np.arange(5), np.arange(5) * 3)
    new = read_new_points(data.preprocessing, Path("whole.xlsx"), 2)
    np.testing.assert_array_equal(new.X, np.column_stack([np.arange(5), np.arange(5) * 3]))


def test_digits_kept_as_text_in_an_excel_sheet_stay_text_below_a_number() -> None:
    pd.DataFrame({"a": A, 2020: [f"{i % 4:03}" for i in range(20)]}).to_excel("t.xlsx", index=False)
    assert load_custom("t.xlsx", labels="2020").class_names == ["000", "001", "002", "003"]


@pytest.mark.parametrize("ending", ["csv", "xlsx", "jsonl", "parquet"])
def test_numbers_as_names_beside_a_blank_one_stay_integers(ending: str) -> None:
    table = pd.DataFrame({"a": A, "b": B, "tree": [None, *range(7, 26)]})
    write = {
        "csv": lambda: table.convert_dtypes().to_csv("t.csv", index=False),
        "xlsx": lambda: table.to_excel("t.xlsx", index=False),
        "jsonl": lambda: table.to_json("t.jsonl", orient="records", lines=True),
        "parquet": lambda: table.to_parquet("t.parquet"),
    }
    write[ending]()
    assert load_custom(f"t.{ending}", n_clusters=2, id="tree").row_names == ["", *map(str, range(7, 26))]


def test_new_rows_with_only_numbers_beside_a_blank_have_the_same_words() -> None:
    pd.DataFrame({"a": A, "size": [38, 40, "L", "XL", 38] * 4}).to_excel("t.xlsx", index=False)
    data = load_custom("t.xlsx", n_clusters=2, scale=None, categories="onehot", missing="mean")
    pd.DataFrame({"a": A[:3], "size": [38, None, 40]}).to_excel("new.xlsx", index=False)
    new = read_new_points(data.preprocessing, Path("new.xlsx"), 5)
    assert data.feature_names[1:] == ["size=38", "size=40", "size=L", "size=XL"]
    assert new.X[:, 1:].tolist() == [[1, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]]


def test_a_pandas_category_may_have_one_word_or_hold_texts() -> None:
    table = pd.DataFrame({"a": A, "b": B, "kind": pd.Categorical(["oak", None] * 10)})
    table.to_parquet("one.parquet")
    data = load_custom("one.parquet", n_clusters=2, categories="onehot", missing="mean")
    assert data.feature_names == ["a", "b", "kind=oak"]
    texts = load_custom("one.parquet", n_clusters=2, text="kind")
    assert texts.X.getnnz(axis=1).tolist() == [1, 0] * 10


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".xlsx"])
def test_cells_of_blanks_among_numbers_are_missing(ending: str) -> None:
    table = pd.DataFrame({"a": A, "b": B, "c": " "}).astype({"b": object})
    table.loc[3, "b"], table.loc[5, "b"] = " ", " ? "
    if ending == ".xlsx":
        table.to_excel("blanks.xlsx", index=False)
    else:
        table.to_csv("blanks" + ending, index=False, sep="," if ending == ".csv" else "\t")
    data = load_custom("blanks" + ending, n_clusters=2, missing="drop", scale=None)
    np.testing.assert_array_equal(data.X, np.delete(EXPECTED, [3, 5], axis=0))


@pytest.mark.parametrize("cell", ["{}{}", "{1}{0}"])
def test_numbers_of_several_units_are_not_compared(cell: str) -> None:
    cells = [cell.format("$€"[i % 2], b) for i, b in enumerate(B)]
    table = pd.DataFrame({"a": A, "price": cells})
    table.to_csv("units.csv", index=False)
    with pytest.raises(InputError, match="columns that are not numeric: 'price'"):
        load_custom("units.csv", n_clusters=2)


@pytest.mark.parametrize("stream", [False, True])
def test_a_column_is_not_both_chosen_and_dropped(stream: bool) -> None:
    pd.DataFrame({"a": A, "b": B}).to_parquet("t.parquet")
    with pytest.raises(InputError, match=r"columns and dataset.drop both have 'b'"):
        load_custom("t.parquet", n_clusters=2, columns=["a", "b"], drop=["b"], stream=stream)


def test_a_column_may_be_called_self() -> None:
    table = pd.DataFrame({"a": A, "b": B, "self": ["oak", "ash"] * 10})
    table.to_csv("t.csv", index=False)
    assert load_custom("t.csv", labels="self").class_names == ["ash", "oak"]


@pytest.mark.parametrize("ending", [".xlsx", ".parquet", ".jsonl"])
@pytest.mark.parametrize(("name", "value"), [("header", "none"), ("decimal", ","), ("separator", ";")])
def test_a_setting_of_text_files_for_another_file(ending: str, name: str, value: str) -> None:
    table = pd.DataFrame({"a": A, "b": B})
    match ending:
        case ".xlsx":
            table.to_excel("t.xlsx", index=False)
        case ".parquet":
            table.to_parquet("t.parquet")
        case _:
            table.to_json("t.jsonl", orient="records", lines=True)
    with pytest.raises(InputError, match=f"dataset.{name}={value} is for tables in text files, not for"):
        load_custom("t" + ending, n_clusters=2, **{name: value})


def test_a_scale_that_there_is_not_for_a_table_of_words() -> None:
    pd.DataFrame({"kind": ["oak", "ash"] * 10}).to_csv("t.csv", index=False)
    with pytest.raises(InputError, match=r"scale must be auto, null, minmax or standard; got 'max'"):
        load_custom("t.csv", n_clusters=2, categories="onehot", scale="max")


def test_large_numbers_as_names_beside_a_blank_one_are_refused_where_they_would_be_the_same() -> None:
    table = pd.DataFrame({"a": A, "b": B, "name": pd.array(10**18 + np.arange(20), "Int64")})
    table.to_json("whole.jsonl", orient="records", lines=True)
    assert load_custom("whole.jsonl", n_clusters=2, id="name").row_names[1] == "1000000000000000001"
    table.loc[3, "name"] = None
    table.to_json("blank.jsonl", orient="records", lines=True)
    with pytest.raises(InputError, match=r"id=name has numbers such as 1000000000000000000, which are not"):
        load_custom("blank.jsonl", n_clusters=2, id="name")


def test_values_with_decimal_commas_in_the_first_line(caplog: pytest.LogCaptureFixture) -> None:
    Path("t.csv").write_text(rows("{b};{a};{b}").replace(".", ","))
    data = load_custom("t.csv", n_clusters=2, scale=None)
    np.testing.assert_array_equal(data.X, EXPECTED[:, [1, 0, 1]])
    assert "has values in its first line: its columns are called 0, 1, 2" in caplog.text


def test_new_rows_without_names_where_the_run_found_none() -> None:
    Path("t.csv").write_text(rows("{b},{a},{b}"))
    data = load_custom("t.csv", n_clusters=2)
    assert data.preprocessing is not None
    for n in (1, 2, 20):
        Path("new.csv").write_text("".join(Path("t.csv").read_text().splitlines(keepends=True)[:n]))
        np.testing.assert_array_equal(read_new_points(data.preprocessing, Path("new.csv"), 3).X, data.X[:n])
    Path("new.csv").write_text("1,2,3\n4,5,6\n")  # look like names
    assert read_new_points(data.preprocessing, Path("new.csv"), 3).X.shape == (2, 3)
