"""kingdra-runs, the program that lists finished runs."""

import json
import shlex

import pandas as pd
import pytest

from kingdra_repro.programs import runs
from kingdra_repro.runs.reading import read_command
from tests.programs import conftest as console

RESULT = {
    **{"dataset": "trees", "method": "kingdra", "base": "ladder_im", "seed": 0, "n": 1500, "d": 6, "k": 3},
    **{"acc": None, "nmi": None, "agreement": 0.91, "wall_seconds": 12.3, "cluster_sizes": [7, 1000, 493]},
    "finished": "2026-11-29T01:00:00+00:00",
}


def made(folder, **changes) -> None:
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps({**RESULT, **changes}))
    (folder / ".hydra").mkdir()
    (folder / ".hydra" / "overrides.yaml").write_text("- dataset=trees\n- pseudo_labels.t_neg=3\n")


def called(capsys, *arguments: str) -> tuple[int, str]:
    outcome = console.called(runs.main, capsys, "kingdra-runs", *arguments)
    return outcome.status, outcome.err if outcome.status else outcome.out


def test_finished_runs_are_listed_and_written(tmp_path, monkeypatch, capsys, caplog):
    monkeypatch.chdir(tmp_path)
    made(tmp_path / "outputs/custom-trees/kingdra-ladder_im/seed0-aaaaaaaa")
    made(
        tmp_path / "outputs/digits/kmeans/seed1-bbbbbbbb",
        dataset="digits",
        method="kmeans",
        base=None,
        acc=0.8,
    )
    (tmp_path / "outputs/cut").mkdir()
    (tmp_path / "outputs/cut/result.json").write_text("{")
    status, out = called(capsys, "csv=runs.csv")
    assert status == 0
    assert "outputs/cut/result.json is damaged" in caplog.text
    first, second = [line.split() for line in out.splitlines() if "seed" in line]
    assert first == [
        *("trees", "kingdra-ladder_im", "1,500", "3", "7–1,000"),
        "0.910",
        "2026-11-29",
        "seed0-aaaaaaaa",
    ]
    assert second[5] == "0.800"
    told = "kingdra-runs: nodir/x.csv: No such file or directory; correct the path, or give another\n"
    assert called(capsys, "csv=nodir/x.csv") == (2, told)  # the message does not name the temporary file
    table = pd.read_csv("runs.csv")
    assert list(table["folder"]) == [
        "custom-trees/kingdra-ladder_im/seed0-aaaaaaaa",
        "digits/kmeans/seed1-bbbbbbbb",
    ]
    assert table["acc"].isna().tolist() == [True, False]
    assert table["command"].tolist() == ["kingdra-run dataset=trees pseudo_labels.t_neg=3"] * 2
    assert table["wall_seconds"].tolist() == [12.3, 12.3]


def test_a_name_in_brackets_is_no_markup(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    made(tmp_path / "outputs/custom-my_red_file/kmeans/seed0-aaaaaaaa", dataset="my [red] file :smile:")
    assert "my [red] file :smile:" in called(capsys)[1]


def test_a_command_can_be_pasted_into_a_shell(tmp_path):
    given = ["dataset.path='my file.csv'", "dataset.separator=';'", "base.hidden=[8,8]", "++seed=1", "~x"]
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "overrides.yaml").write_text(json.dumps(given))
    command = read_command(tmp_path)
    assert shlex.split(command) == ["kingdra-run", *given]
    assert "base.hidden=[8,8] ++seed=1 " in command  # no quotes where none are needed


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "outputs is no folder"),
        (("a", "b"), "Give FOLDER and csv=FILE"),
        (("csv=",), "Give FOLDER and csv=FILE"),
        ((".",), "has no finished runs"),
    ],
)
def test_mistakes_in_one_line(arguments, reason, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    status, err = called(capsys, *arguments)
    assert status == 2
    assert len(err.splitlines()) == 1
    assert reason in err
