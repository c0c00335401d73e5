"""Labels to learn from (``dataset.given``), as people and programs write them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kingdra_repro.data import Dataset, load_custom
from kingdra_repro.errors import InputError

CLASSES = ["oak", "ash", "elm"] * 4


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def loaded(told: list[str], kind: list[str] | None = None) -> Dataset:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=12), "b": rng.normal(size=12), "told": told})
    table = table if kind is None else table.assign(kind=kind)
    table.to_csv("t.csv", index=False)
    return load_custom("t.csv", given="told", labels=None if kind is None else "kind")


@pytest.mark.parametrize("mark", ["NA", "nan", "?", " ? ", "\\N", "<NA>", "-1.0", "  "])
@pytest.mark.parametrize("classes", [CLASSES, ["10", "2", "9"] * 4])
def test_marks_of_what_is_not_known_are_no_class(
    mark: str, classes: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    told = classes[:6] + [mark] * 6
    for kind in (None, classes):
        data = loaded(told, kind)
        assert data.class_names == (["ash", "elm", "oak"] if classes == CLASSES else ["2", "9", "10"])
        assert data.given.tolist() == [2, 0, 1] * 2 + [-1] * 6
    assert ("6 cells such as" in caplog.text) == (
        mark.strip() in ("?", "\\N") or (classes == CLASSES and mark in ("NA", "nan", "<NA>"))
    )


@pytest.mark.parametrize("name", ["none", "None"])
def test_none_may_be_a_class(name: str) -> None:
    assert loaded([name, "mild", ""] * 4).class_names == sorted([name, "mild"])


def test_what_is_a_class_of_the_labels_is_one_of_the_given(caplog: pytest.LogCaptureFixture) -> None:
    data = loaded(["NA", "oak", ""] * 4, ["NA", "oak", "oak"] * 4)
    assert data.class_names == ["NA", "oak"]
    assert data.given.tolist() == [0, 1, -1] * 4
    assert "not known" not in caplog.text


def test_blanks_around_a_label_make_no_other_class() -> None:
    kind = ["oak ", "oak", " elm"] * 4
    data = loaded(["oak", "oak  ", "elm"] * 4, kind)
    assert data.class_names == ["elm", "oak"]
    assert data.y.tolist() == [1, 1, 0] * 4
    with pytest.raises(InputError, match="has no label in row 2"):
        loaded([""] * 11 + ["oak"], ["oak", "elm", "  "] * 4)


def test_numbers_may_be_given_where_some_labels_are_words(caplog: pytest.LogCaptureFixture) -> None:
    kind = ["1", "2", "3", "other"] * 3
    for told in (["1", "2", "3", ""] * 3, ["1.0", "2.0", "3.0", "?"] * 3):
        data = loaded(told, kind)
        assert data.class_names == ["1", "2", "3", "other"]
        assert data.given.tolist() == [0, 1, 2, -1] * 3
    with pytest.raises(InputError, match=r"dataset\.given=told and dataset\.labels are words and numbers"):
        loaded(["1", "2", "7", ""] * 3, kind)


@pytest.mark.parametrize("told", [["True", "False", "", ""], ["TRUE", "", "FALSE", ""], ["FALSE"] + [""] * 3])
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_some_truth_values_where_all_labels_are_such(told: list[str], ending: str) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"a": rng.normal(size=12), "b": rng.normal(size=12), "kind": [True, False, False] * 4}
    )
    table.to_csv("t.csv", index=False) if ending == "csv" else table.to_excel("t.xlsx", index=False)
    pd.DataFrame({"told": told * 3}).to_csv("y.csv", index=False)
    data = load_custom(f"t.{ending}", given="y.csv", labels="kind")
    assert data.class_names == ["False", "True"]
    assert data.y.tolist() == [1, 0, 0] * 4
    classes = {"": -1, "false": 0, "true": 1}
    assert data.given.tolist() == [classes[cell.lower()] for cell in told] * 3


@pytest.mark.parametrize("setting", ["labels", "given"])
@pytest.mark.parametrize("labels", [CLASSES, ["3", "1", "2"] * 4, ["003", "001", "002"] * 4])
def test_a_file_of_labels_needs_no_name_in_its_first_line(setting: str, labels: list[str]) -> None:
    pd.DataFrame({"a": np.arange(12.0) ** 2}).to_csv("t.csv", index=False)
    for first_line in ("", "kind\n", "0\n"):
        Path("y.csv").write_text(first_line + "\n".join(labels) + "\n")
        data = load_custom("t.csv", **{setting: "y.csv"})
        found = data.y if setting == "labels" else data.given
        assert found.tolist() == [2, 0, 1] * 4
        assert data.class_names == sorted(set(labels))
    pd.DataFrame({"kind": labels}).to_csv("y.csv")  # with a column of row numbers
    assert load_custom("t.csv", **{setting: "y.csv"}).class_names == sorted(set(labels))


@pytest.mark.parametrize("setting", ["labels", "given"])
def test_a_file_of_too_few_labels(setting: str) -> None:
    """A first line that does not occur again is the column's name, even if one label is then missing."""
    pd.DataFrame({"a": np.arange(12.0) ** 2}).to_csv("t.csv", index=False)
    for first_line, others, n in (("kind", CLASSES[1:], 11), ("oak", CLASSES[:7], 7)):
        Path("y.csv").write_text(first_line + "\n" + "\n".join(others) + "\n")
        message = (
            rf"dataset\.{setting}=y\.csv has {n} labels below its first line \('{first_line}', read as the"
        )
        with pytest.raises(InputError, match=message + " column's name.*, the data have 12 rows: give each"):
            load_custom("t.csv", **{setting: "y.csv"})


def test_a_sheet_of_answers_with_blank_cells() -> None:
    pd.DataFrame({"a": np.arange(12.0) ** 2}).to_csv("t.csv", index=False)
    pd.DataFrame({"told": ["oak", None, None, "ash"] * 3}).to_excel("y.xlsx", index=False)
    assert load_custom("t.csv", given="y.xlsx").given.tolist() == [1, -1, -1, 0] * 3


def test_large_numbers_beside_blanks_are_refused_where_they_would_become_one_class() -> None:
    large = [str(2**60 + i) for i in range(3)]
    assert loaded(large * 4).class_names == large
    with pytest.raises(InputError, match=r"dataset\.given=told has labels such as 11529215046068\d+, which"):
        loaded([*large, ""] * 3)


def test_a_sheet_where_some_classes_are_numbers_and_others_words() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=12), "b": rng.normal(size=12)})
    table["kind"] = [1, "1", 2, "2", "other", "other"] * 2
    table["told"] = [1, None, 2, None, None, None] * 2
    table.to_excel("t.xlsx", index=False)
    data = load_custom("t.xlsx", labels="kind", given="told")
    assert data.class_names == ["1", "2", "other"]
    assert data.y.tolist() == [0, 0, 1, 1, 2, 2] * 2
    assert data.given.tolist() == [0, -1, 1, -1, -1, -1] * 2


def test_a_sheet_of_answers_where_a_row_has_no_name() -> None:
    rng = np.random.default_rng(0)
    names = ["7", "", *map(str, range(20, 30))]
    pd.DataFrame({"a": rng.normal(size=12), "b": rng.normal(size=12), "name": names}).to_csv("t.csv")
    asked = {"row": [0, 1, 5], "id": [7, None, 23], "answer": ["oak", "ash", "oak"], "cluster": 0}
    pd.DataFrame(asked).to_excel("ask.xlsx", index=False)
    data = load_custom("t.csv", id="name", given="ask.xlsx")
    assert data.given.tolist() == [1, 0, -1, -1, -1, 1] + [-1] * 6
