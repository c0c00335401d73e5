"""report.html of a results folder and of a run, read as text; test_browser.py opens it in a browser."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from kingdra_repro.errors import InputError
from kingdra_repro.programs.report import main
from kingdra_repro.report.page import write_report, write_run_report
from kingdra_repro.report.page.choose_runs import EXPLORERS, choose_runs
from kingdra_repro.report.page.document import document
from kingdra_repro.report.page.runs import curve_data, run_entry
from kingdra_repro.report.tables.cells import cell, table
from kingdra_repro.report.tables.layout import layout
from kingdra_repro.reproduce.store import shown_file
from tests.programs import conftest as console
from tests.report.page.made_up import KINGDRA, SECOND, WORDS, write_results, write_run_without_classes


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


@pytest.fixture
def results(tmp_path):
    return write_results(tmp_path)


@pytest.fixture
def run(tmp_path):
    return write_run_without_classes(tmp_path / "seed0-00000000")


def test_results_in_one_file(results):
    page = write_report(results).read_text()
    assert page.count("<script") == page.count("</script>") == 2  # the data, and the page's own script
    assert "window.hacked" in page  # the hostile name is in the page ...
    assert "<script>window" not in page  # ... but not as markup
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    data = data_of(page)
    assert set(data["runs"]) == {KINGDRA, SECOND, WORDS}
    assert {name: len(runs) for name, runs in data["explorers"].items()} == {"digits": 2, "newsgroups": 1}
    assert [one["folder"] for one in data["explorers"]["digits"]] == [SECOND, KINGDRA]
    assert data["explorers"]["digits"][1]["name"] == "Kingdra, file order, seed 0"  # the cell's lowest seed
    assert data["runs"][KINGDRA]["history"]["pseudo_label_acc"] == [None, 0.9, 0.9, 0.9]
    assert page.count('class="cell"') == 4
    assert page.count("data:image/svg+xml;base64") == 1


def test_without_tables_figures_and_explorers(tmp_path):
    (tmp_path / "runs.csv").write_text(
        "dataset,method,base,seed,acc,config_hash,folder,code\n"
        "digits,kmeans,,0,0.79,00000000,runs/gone,aaaaaaa\n"
    )
    page = write_report(tmp_path).read_text()
    assert 'href="#runs"' in page
    assert 'href="#tables"' not in page
    assert data_of(page)["explorers"] == {}


def test_a_folder_without_runs_is_a_mistake(tmp_path):
    with pytest.raises(InputError, match=r"there is no runs\.csv"):
        write_report(tmp_path)


@pytest.fixture
def add(tmp_path):
    """Return a function that adds a run to ``add.rows`` and creates its folder."""

    def add_one(folder, seed, dataset="d", method="kingdra", explorer=True):
        path = shown_file(tmp_path, folder, "explorer.json")
        path.parent.mkdir(parents=True)
        if explorer:
            path.write_text(json.dumps({"n": 0, "clusters": [], "kind": "features"}))
        row = {"folder": folder, "dataset": dataset, "method": method, "base": "", "seed": seed}
        add_one.rows.append(row)

    add_one.rows = []
    return add_one


def in_cell(row, runs, order="file", column="D"):
    return cell(row, column, order, "published", [90.0] * len(runs), (None, None), "", runs)


def test_of_each_cell_the_lowest_seed_can_be_explored(tmp_path, add):
    for seed in "3102":
        add(f"k{seed}", seed, explorer=seed != "0")
    add("e", "0", dataset="e")
    add("superseded", "0")
    cells = [in_cell("K-means", ("none",), "-"), in_cell("Kingdra", ("k3", "k1", "k0", "k2"))]
    again = [in_cell("Kingdra, ten models", ("k1", "k2"), "-"), in_cell("other", ("e",), "-", "E")]
    tables = {"table2": layout(table(cells)), "ensemble_size": layout(table(again))}
    found = choose_runs(add.rows, tables, tmp_path)
    folders = {dataset: [one["folder"] for one in chosen] for dataset, chosen in found.items()}
    assert folders == {"d": ["k1"], "e": ["e"]}
    assert found["d"][0]["name"] == "Kingdra, file order, seed 1"


def test_the_last_rows_of_a_table_can_be_explored_first_and_not_all(tmp_path, add):
    cells = []
    for number in range(EXPLORERS + 2):
        add(f"r{number}", "0")
        cells.append(in_cell(f"row {number}", (f"r{number}",)))
    found = choose_runs(add.rows, {"table2": layout(table(cells))}, tmp_path)["d"]
    assert [one["folder"] for one in found] == [f"r{EXPLORERS + 1 - number}" for number in range(EXPLORERS)]


def test_without_tables_all_runs_can_be_explored(tmp_path, add):
    add("m", "0", method="kmeans")
    add("k1", "1")
    add("k0", "0")
    assert [one["folder"] for one in choose_runs(add.rows, {}, tmp_path)["d"]] == ["k0", "k1", "m"]


def test_a_run_without_classes(run):
    page = write_run_report(run).read_text()
    assert "<h1>my &lt;texts&gt;: 3 clusters of 60 points</h1>" in page
    data = data_of(page)
    entry = data["runs"]["run"]
    assert entry["command"] == "kingdra-run dataset=custom seed=0"
    assert dict(entry["facts"])["agreement of the models"] == "75.0"
    assert "ACC" not in dict(entry["facts"])
    assert entry["history"] == {"iteration": [0, 1], "agreement": [0.5, 0.75]}
    assert data["explorers"]["my <texts>"][0]["explorer"]["classes"] is None


def test_a_run_of_an_older_version(run):
    (run / "explorer.json").unlink()
    assert "made by an older version" in write_run_report(run).read_text()


def test_facts_of_a_row_of_runs_csv():
    """The facts are as from a result.json, although numbers are text and unknown values are empty."""
    row = {
        "method": "kmeans",
        "base": "",
        "seed": "3",
        "acc": "0.5",
        "n_pseudo_labels": "1588.0",
        "n_labels": "0.0",
    }
    entry = run_entry(row, "kingdra-run seed=3", None)
    assert entry["name"] == "kmeans, seed 3"
    assert entry["command"] == "kingdra-run seed=3"
    assert entry["facts"] == [
        ["method", "kmeans"],
        ["seed", "3"],
        ["ACC", "50.0"],
        ["pseudo-labels", "1,588"],
    ]


def test_history_of_foreign_cells(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("iteration,acc,loss,nmi,rule\n0,,inf,a,given\n1,0.123456789,nan,b,kept\n")
    assert curve_data(pd.read_csv(path)) == {"iteration": [0, 1], "acc": [None, 0.12346]}
    path.write_text("iteration\n0\n")
    assert curve_data(pd.read_csv(path)) is None


def test_no_text_ends_the_data():
    hostile = "</script><!--<script> \u2028"
    page = document("t", "", {"name": hostile})
    assert data_of(page) == {"name": hostile}
    assert page.count("<!--") == 0


def called(capsys, *arguments):
    outcome = console.called(main, capsys, "kingdra-report", *arguments)
    return outcome.status, outcome.err if outcome.status else outcome.out


def test_the_command(results, run, capsys):
    assert called(capsys, f"run={run}") == (0, f"{run / 'report.html'}\n")
    assert called(capsys, f"results={results}") == (0, f"{results / 'report.html'}\n")
    assert called(capsys, str(run)) == (0, f"{run / 'report.html'}\n")
    assert called(capsys, str(results)) == (0, f"{results / 'report.html'}\n")
    status, out = called(capsys, "--help")
    assert status == 0
    assert "run=outputs/" in out


def test_a_folder_may_be_called_like_a_setting(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("run", "results"):
        shutil.copytree(run, name)
        assert called(capsys, name) == (0, f"{name}/report.html\n")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "Give FOLDER"),
        (("run=a", "results=b"), "Give FOLDER"),
        (("folder=a",), "unknown argument folder=a"),
        (("run=",), "unknown argument run="),
        (("nowhere",), "nowhere does not exist, or is no folder: give FOLDER, run=FOLDER or results=FOLDER"),
        (("run",), "run does not exist, or is no folder"),
        (("",), "unknown argument "),
        ((".",), "there is no result.json"),
        (("run=nowhere",), "run=nowhere does not exist"),
        (("run=file.csv",), "run=file.csv is a file: name the folder of a run below outputs/"),
        (("run=.",), "there is no result.json"),
        (("results=nowhere",), "there is no runs.csv"),
    ],
)
def test_mistakes_in_one_line(arguments, reason, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.csv").write_text("a,b\n")
    status, err = called(capsys, *arguments)
    assert status == 2
    (line,) = err.splitlines()
    assert line.startswith("kingdra-report: ")
    assert reason in line


def test_a_folder_that_cannot_be_written(run, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device", str(run))

    monkeypatch.setattr("kingdra_repro.report.page.report.write_text", full)
    status, err = called(capsys, f"run={run}")
    assert (status, err) == (2, f"kingdra-report: {run}: No space left on device; free space\n")


def test_the_same_folder_gives_the_same_page(results):
    assert write_report(results).read_bytes() == write_report(results).read_bytes()


def test_sprites_of_numbers_are_numbers(results):
    """The votes are plain lists: json.dumps would have failed on NumPy's types."""
    explorer = json.loads(shown_file(results, KINGDRA, "explorer.json").read_text())
    assert np.shape(explorer["disputed"]["votes"])[1] == 5


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("result.json", '{"a": 1}'),
        ("result.json", ""),
        ("result.json", "[]"),
        ("explorer.json", "{"),
        ("explorer.json", "{}"),
        ("map.json", '{"x": [], "y": [], "k": 3}'),
        ("map.json", "[]"),
        (".hydra/overrides.yaml", ""),
        (".hydra/overrides.yaml", "a: ["),
    ],
)
def test_a_damaged_file_is_named(name, content, run, tmp_path, capsys):
    folder = tmp_path / "damaged"
    shutil.copytree(run, folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(content)
    status, err = called(capsys, f"run={folder}")
    assert status == 2
    assert f"{folder / name} is damaged" in err


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\xff\xfe"])
def test_a_foreign_runs_csv(content, tmp_path, capsys):
    (tmp_path / "runs.csv").write_bytes(content)
    status, err = called(capsys, f"results={tmp_path}")
    assert status == 2
    assert "runs.csv is damaged" in err


@pytest.mark.parametrize(("name", "value"), [("n", "many"), ("k", 0), ("acc", "abc")])
def test_a_foreign_value_is_reported(name, value, run, capsys):
    result = json.loads((run / "result.json").read_text())
    (run / "result.json").write_text(json.dumps({**result, name: value}))
    status, err = called(capsys, f"run={run}")
    assert status == 2
    assert f"{run / 'result.json'} is damaged" in err


def test_a_history_that_is_no_text_is_reported(run, capsys):
    (run / "history.csv").write_bytes(b"\xff\xfe")
    status, err = called(capsys, f"run={run}")
    assert status == 2
    assert f"{run / 'history.csv'} is damaged" in err


@pytest.mark.parametrize(("name", "column"), [("runs", "acc"), ("runs", "seed"), ("tables/table2", "mean")])
def test_a_foreign_number_in_a_table_is_reported(name, column, results, capsys):
    path = results / f"{name}.csv"
    table = pd.read_csv(path, dtype=str)
    table.loc[0, column] = "abc"
    table.to_csv(path, index=False)
    status, err = called(capsys, f"results={results}")
    assert status == 2
    assert f"{path} is damaged" in err
