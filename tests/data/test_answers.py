"""The answers in a run's ask.csv and ask_pairs.csv, given to a later run."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kingdra_repro.data import load_custom
from kingdra_repro.errors import InputError
from kingdra_repro.runs.questions import pair_table, question_table

N = 12


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """The user's table, in t.csv of the current folder."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=N), "b": rng.normal(size=N)})
    table["code"] = [f"{i:05d}" if i % 5 else f"X{i}" for i in range(N)]
    table.to_csv("t.csv", index=False)
    return table


def ask(rows: list[int], ids: list[str] | None, answers: list[str]) -> None:
    """Write ask.csv as a run does."""
    named = {} if ids is None else {"id": ids}
    pd.DataFrame({"row": rows, **named, "answer": answers, "cluster": 0}).to_csv("ask.csv", index=False)


def test_names_with_leading_zeros_are_those_of_the_run(table: pd.DataFrame) -> None:
    ask([7, 2, 9], ["00007", "00002", "00009"], ["02", "", "01"])
    data = load_custom("t.csv", id="code", given="ask.csv", n_clusters=2)
    assert data.given.tolist() == [-1] * 7 + [1, -1, 0, -1, -1]
    assert data.class_names == ["01", "02"]


def test_rows_are_those_of_the_run_whatever_is_left_out(table: pd.DataFrame) -> None:
    """Rows 2 and 3 have a missing cell; with dataset.missing=drop, row 5 of the file is row 3 of the run."""
    table = table.assign(id=range(100, 100 + N), code=1.0)  # a column "id" that is not dataset.id
    table.loc[[2, 3], "a"] = np.nan
    table.to_csv("t.csv", index=False)
    left_out, filled = ({"missing": missing, "n_clusters": 2} for missing in ("drop", "mean"))
    of_left_out, of_filled = ([3, 0], ["5", "0"], ["x", "y"]), ([5, 0], None, ["x", "y"])

    ask(*of_left_out)
    data = load_custom("t.csv", given="ask.csv", **left_out)
    assert data.given.tolist() == [1, -1, -1, 0] + [-1] * 6
    with pytest.raises(InputError, match=r"is of other data: row 3 is 5 there, and 3 here.*dataset\.missing"):
        load_custom("t.csv", given="ask.csv", **filled)

    ask(*of_filled)
    pd.read_csv("ask.csv").assign(id=[105, 100]).to_csv("ask.csv", index=False)  # the table's column "id"
    for id in (None, "id"):
        data = load_custom("t.csv", given="ask.csv", id=id, **filled)
        assert data.given.tolist() == [1, *[-1] * 4, 0, *[-1] * 6]
        with pytest.raises(InputError, match="is of other data: row 5 is 5 there, and 7 here"):
            load_custom("t.csv", given="ask.csv", id=id, **left_out)
    ask([11], None, ["x"])
    with pytest.raises(InputError, match=r"row 11, and the data have rows 0 to 9: .* dataset\.missing as it"):
        load_custom("t.csv", given="ask.csv", **left_out)


def table_and_others() -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Return a table with all kinds of cells, and two variants whose row 7 is a different row of it."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"size": rng.normal(size=N).astype(np.float32), "year": range(2000, 2000 + N)})
    table["price"] = [float(i) if i != 7 else np.nan for i in range(N)]
    table["colour"] = ["None", "red, dark", "12", "007", "1,234", *["blue"] * (N - 5)]
    table["row"] = [f"of {i}" for i in range(N)]  # named like a column of ask.csv
    table["day"] = pd.to_datetime("2020-05-01") + pd.to_timedelta(range(N), "D")
    sorted_anew = table.iloc[::-1].reset_index(drop=True)
    inserted = pd.concat([table.iloc[:5], table.iloc[[0]], table.iloc[5:]], ignore_index=True)
    return table, [sorted_anew, inserted]


def save(table: pd.DataFrame, path: str) -> None:
    {"csv": table.to_csv, "parquet": table.to_parquet, "xlsx": table.to_excel}[path.split(".")[-1]](
        path, index=False
    )


SETTINGS = {"n_clusters": 2, "missing": "mean", "categories": "ignore", "dates": "ignore"}


@pytest.mark.parametrize("path", ["t.csv", "t.parquet", "t.xlsx"])
def test_answers_are_refused_where_the_cells_of_a_row_are_not_the_tables(path: str) -> None:
    table, others = table_and_others()
    save(table, path)
    data = load_custom(path, **SETTINGS)
    rows = np.array([7, 2, 0, 3, 4, 10])
    questions = question_table(data, rows, np.zeros(6), np.zeros(N, np.int64), None)
    questions["answer"] = ["x", "y", "x", "y", "x", ""]
    questions.to_csv("ask.csv", index=False)
    pairs = pair_table(data, np.array([[7, 2], [10, 3]]), None)
    pairs.assign(link=["1", ""]).to_csv("ask_pairs.csv", index=False)

    for answers in ({"given": "ask.csv"}, {"links": "ask_pairs.csv"}):
        save(table, path)
        found = load_custom(path, **answers, **SETTINGS)
        if "given" in answers:
            assert found.given is not None
            assert found.given[[7, 2, 10]].tolist() == [0, 1, -1]
        else:
            assert found.links is not None
            assert found.links.must_link.tolist() == [[7, 2]]
        cell = "i: size" if "links" in answers else "size"
        for other in others:
            save(other, path)
            with pytest.raises(
                InputError, match=f"other data: row 7 .* has {cell}='.*' there, and '.*' here"
            ):
                load_custom(path, **answers, **SETTINGS)


@pytest.mark.parametrize(("separator", "decimal"), [(",", "."), (";", ",")])
def test_what_a_spreadsheet_writes_otherwise_are_the_same_cells(separator: str, decimal: str) -> None:
    table = pd.DataFrame({"a": [12.0, 0.123456789, 3.0, 4.5], "word": ["007", "5", "NA", "z"]})
    table["sure"] = [True, False, True, True]
    table.to_csv("t.csv", index=False)
    cells = [["12", "7", "TRUE"], [f"0{decimal}123457", "5", "FALSE"], ["3", "", "TRUE"]]
    lines = [
        ["row", "answer", "a", "word", "sure"],
        *([str(i), "xyx"[i], *row] for i, row in enumerate(cells)),
    ]
    Path("ask.csv").write_text("".join(separator.join(line) + "\n" for line in lines))
    given = load_custom("t.csv", given="ask.csv", n_clusters=2, categories="ignore").given
    assert given.tolist() == [0, 1, 0, -1]
    Path("ask.csv").write_text(Path("ask.csv").read_text().replace("123457", "123557"))
    with pytest.raises(InputError, match=r"row 1 .* has a='0.123557' there, and '0.123456789' here: give"):
        load_custom("t.csv", given="ask.csv", n_clusters=2, categories="ignore")


def test_blank_lines_and_decimals_of_a_spreadsheet_are_no_faults() -> None:
    Path("ask.csv").write_text("row,answer,cluster\n7.0,x,0\n2.0,,0\n0.0,y,1\n,,\n , ,\n")
    given = load_custom("t.csv", given="ask.csv", n_clusters=2, drop="code").given
    assert np.flatnonzero(given >= 0).tolist() == [0, 7]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("7,x,0\n7,x,0", "has row 7 twice: keep one"),
        ("7,x,0\n12,,0", "has row 12, and the data have rows 0 to 11: give the table"),
        ("7,x,0\n-1,y,0", "has row -1, and the data have"),
        ("7,x,0\n,y,0", "has no row in row 1 .counted from 0.: leave that column"),
        ("7,x,0\n2.5,y,0", "has row=2.5 in row 1"),
        ("7,x,0\nseven,y,0", "has row=seven in row 1"),
    ],
)
def test_rows_that_are_none_are_named(lines: str, message: str) -> None:
    Path("ask.csv").write_text(f"row,answer,cluster\n{lines}\n")
    with pytest.raises(InputError, match=message):
        load_custom("t.csv", given="ask.csv", n_clusters=2, drop="code")
