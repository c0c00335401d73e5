"""A run's ask.csv that is given back."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kingdra_repro.data import load_custom

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
