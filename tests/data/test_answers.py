"""A run's ask.csv that is given back."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kingdra_repro.data import load_custom
from kingdra_repro.errors import InputError

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
    assert data.given is not None
    assert data.given.tolist() == [-1] * 7 + [1, -1, 0, -1, -1]
    assert data.class_names == ["01", "02"]


def test_rows_are_those_of_the_run_whatever_is_left_out(table: pd.DataFrame) -> None:
    """Rows 2 and 3 have a missing cell: with dataset.missing=drop row 5 of the file is row 3 of the run."""
    table = table.assign(id=range(100, 100 + N), code=1.0)  # a column of that name that is no dataset.id
    table.loc[[2, 3], "a"] = np.nan
    table.to_csv("t.csv", index=False)
    left_out, filled = ({"missing": missing, "n_clusters": 2} for missing in ("drop", "mean"))
    of_left_out, of_filled = ([3, 0], ["5", "0"], ["x", "y"]), ([5, 0], None, ["x", "y"])

    ask(*of_left_out)
    data = load_custom("t.csv", given="ask.csv", **left_out)  # type: ignore[arg-type]
    assert data.given is not None
    assert data.given.tolist() == [1, -1, -1, 0] + [-1] * 6
    with pytest.raises(InputError, match=r"is of other data: row 3 is 5 there, and 3 here.*dataset\.missing"):
        load_custom("t.csv", given="ask.csv", **filled)  # type: ignore[arg-type]

    ask(*of_filled)
    pd.read_csv("ask.csv").assign(id=[105, 100]).to_csv("ask.csv", index=False)  # a column of the table
    for id in (None, "id"):
        data = load_custom("t.csv", given="ask.csv", id=id, **filled)  # type: ignore[arg-type]
        assert data.given is not None
        assert data.given.tolist() == [1, *[-1] * 4, 0, *[-1] * 6]
        with pytest.raises(InputError, match="is of other data: row 5 is 5 there, and 7 here"):
            load_custom("t.csv", given="ask.csv", id=id, **left_out)  # type: ignore[arg-type]
    ask([11], None, ["x"])
    with pytest.raises(InputError, match=r"rows other than 0 to 9.* give dataset\.missing as that run"):
        load_custom("t.csv", given="ask.csv", **left_out)  # type: ignore[arg-type]
