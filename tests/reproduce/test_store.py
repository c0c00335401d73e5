"""results/: a repeated run is one row, another version of the code another row; results of other machines."""

import json
import os
import threading
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from kingdra_repro.errors import InputError
from kingdra_repro.provenance import code_version
from kingdra_repro.reproduce.failures import note_failure, read_failures
from kingdra_repro.reproduce.packed import check_archive, pack_run
from kingdra_repro.reproduce.plan import PlannedRun
from kingdra_repro.reproduce.store import (
    add_run,
    check_readable,
    keep_shown,
    merge,
    read_histories,
    read_runs,
    read_thresholds,
    shown_file,
    tidy,
)

COMMITS = ("a" * 40, "b" * 40)
FOLDER = "runs/mnist/kingdra-ladder_im/seed0-00000000-aaaaaaa"
RESULT = {"dataset": "mnist", "seed": 2, "commit": COMMITS[0], "config_hash": "00000002"}
SWEEP = "t_pos,t_neg,n_models,purity\n10,9,10,0.9\n9,9,10,0.8\n"


def run_folder(outputs, seed=0, commit=COMMITS[0], acc=0.5, history=True):
    folder = outputs / "mnist" / "kingdra-ladder_im" / f"seed{seed}-0000000{seed}"
    (folder / ".hydra").mkdir(parents=True, exist_ok=True)
    (folder / ".hydra" / "overrides.yaml").write_text("[dataset=mnist, 'output_dir=/x', mirror=/y, seed=0]")
    result = {"dataset": "mnist", "seed": seed, "commit": commit, "config_hash": f"0000000{seed}", "acc": acc}
    (folder / "result.json").write_text(json.dumps(result))
    if history:
        (folder / "history.csv").write_text(
            "iteration,acc,model_acc_mean,pseudo_label_acc,rule\n0,0.3,0.2,0.9,relaxed\n"
            "1,0.5,0.4,0.8,given\n2,0.5,0.4,0.8,given\n3,0.5,0.4,0.8,kept\n"
        )
    return folder


def content(results: Path) -> dict[str, bytes]:
    """Return all files of results/ except the locks."""
    return {
        path.relative_to(results).as_posix(): path.read_bytes()
        for path in sorted(results.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }


def test_a_run_is_taken(tmp_path):
    results, folder = tmp_path / "results", run_folder(tmp_path / "outputs")
    (folder / "explorer.json").write_text("{}")
    (folder / "thresholds.csv").write_text(SWEEP)
    (folder / "labels.npy").write_bytes(b"not kept")
    assert add_run(results, folder) == FOLDER
    assert set(content(results)) == {
        *("runs.csv", "history/mnist.csv", "thresholds.csv"),
        "shown/mnist/kingdra-ladder_im/seed0-00000000-aaaaaaa/explorer.json",
    }
    (row,) = read_runs(results).to_dict("records")
    assert row["command"] == "kingdra-run dataset=mnist seed=0"
    assert row["folder"] == FOLDER
    assert (row["acc"], row["code"]) == (0.5, "aaaaaaa")
    assert (row["first_phase_acc"], row["first_phase_model_acc_mean"]) == (0.3, 0.2)
    assert row["first_phase_pseudo_label_acc"] == 0.9
    assert row["rules"] == "relaxed+given"  # nothing was trained on the last set of pseudo-labels
    pd.testing.assert_frame_equal(read_histories(results)[FOLDER], pd.read_csv(folder / "history.csv"))
    pd.testing.assert_frame_equal(read_thresholds(results)[FOLDER], pd.read_csv(folder / "thresholds.csv"))


def test_a_run_has_the_columns_that_it_had(tmp_path):
    """They do not depend on the columns of other runs, and the cells keep their text."""
    results = tmp_path / "results"
    add_run(results, run_folder(tmp_path / "outputs", seed=1))
    folder = run_folder(tmp_path / "outputs")
    (folder / "history.csv").write_text("iteration,loss\n0,0.10\n1,1e-300\n")
    add_run(results, folder)
    assert list(read_histories(results)[FOLDER]) == ["iteration", "loss"]
    lines = (results / "history" / "mnist.csv").read_text().splitlines()
    assert lines[0] == "config_hash,code,seed,iteration,acc,model_acc_mean,pseudo_label_acc,rule,loss"
    assert lines[2] == "00000000,aaaaaaa,0,1,,,,,1e-300"
    assert lines[3].startswith("00000001,aaaaaaa,1,0,0.3")


def test_a_checksum_is_no_number(tmp_path):
    folder = run_folder(tmp_path / "outputs")
    result = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps({**result, "features": "012345e6"}))
    add_run(tmp_path / "results", folder)
    assert read_runs(tmp_path / "results")["features"][0] == "012345e6"


def test_a_large_explorer_stays_where_it_is(tmp_path):
    folder = run_folder(tmp_path / "outputs", history=False)
    (folder / "explorer.json").write_bytes(bytes(400_000))
    add_run(tmp_path / "results", folder)
    assert set(content(tmp_path / "results")) == {"runs.csv"}


def test_twice_is_once_and_another_version_another(tmp_path):
    results = tmp_path / "results"
    for commit, acc in ((COMMITS[0], 0.5), (COMMITS[0], 0.6), (COMMITS[1], 0.7)):
        add_run(results, run_folder(tmp_path / "outputs", commit=commit, acc=acc))
    assert list(read_runs(results)["acc"]) == [0.5, 0.7]


@pytest.mark.parametrize(
    "foreign",
    [
        {"seed": "x/../../../../outside"},
        {"config_hash": "../../outside"},
        {"commit": "/.."},
        {"commit": "a" * 40 + "+../.."},
        {"commit": 3},
    ],
)
def test_a_foreign_result_leads_nowhere_else(tmp_path, foreign):
    folder = run_folder(tmp_path / "theirs")
    result = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps({**result, **foreign}))
    with pytest.raises(InputError, match="leave its folder out"):
        merge(tmp_path / "a" / "b" / "results", tmp_path / "theirs")
    assert not list(tmp_path.rglob("outside*"))


def test_merging_outputs_and_results_of_other_machines(tmp_path):
    ours, theirs = tmp_path / "results", tmp_path / "theirs"
    add_run(ours, run_folder(tmp_path / "outputs", seed=0))
    run_folder(tmp_path / "outputs", seed=1)
    add_run(theirs, run_folder(tmp_path / "more", seed=0))
    add_run(theirs, run_folder(tmp_path / "more", seed=2))
    assert merge(ours, tmp_path / "outputs") == (2, 1)
    assert merge(ours, theirs) == (2, 1)
    assert merge(ours, theirs) == (2, 0)
    merged = read_runs(ours)
    assert list(merged["seed"]) == [0, 1, 2]
    assert set(read_histories(ours)) == set(merged["folder"])
    pd.testing.assert_frame_equal(
        merged[merged["seed"] != 1].reset_index(drop=True), read_runs(theirs), check_dtype=False
    )


def test_results_give_what_their_folders_gave(tmp_path):
    for seed in (0, 1):
        folder = run_folder(tmp_path / "outputs", seed=seed)
        (folder / "explorer.json").write_text("{}")
        (folder / "thresholds.csv").write_text(SWEEP)
    merge(tmp_path / "first", tmp_path / "outputs")
    merge(tmp_path / "second", tmp_path / "first")
    assert content(tmp_path / "second") == content(tmp_path / "first")


def test_what_is_missing_of_a_known_run_is_taken(tmp_path):
    results, folder = tmp_path / "results", run_folder(tmp_path / "outputs")
    (folder / "explorer.json").write_text("{}")
    add_run(results, folder)
    whole = content(results)
    keep_shown(results, {"explorer.json": ()}, [FOLDER])
    (results / "history" / "mnist.csv").unlink()
    assert set(content(results)) == {"runs.csv"}
    assert not list(results.glob("shown/*"))
    merge(results, tmp_path / "outputs")
    assert content(results) == whole


def test_only_what_is_shown_is_kept(tmp_path):
    results = tmp_path / "results"
    for seed in (0, 1):
        folder = run_folder(tmp_path / "outputs", seed=seed)
        for name in ("explorer.json", "graph_sample.json"):
            (folder / name).write_text("{}")
        add_run(results, folder)
    # graph_sample.json is not named: all are kept.
    keep_shown(results, {"explorer.json": [FOLDER]}, read_runs(results)["folder"])
    shown = {(path.parent.name, path.name) for path in results.glob("shown/*/*/*/*")}
    assert shown == {
        ("seed0-00000000-aaaaaaa", "explorer.json"),
        ("seed0-00000000-aaaaaaa", "graph_sample.json"),
        ("seed1-00000001-aaaaaaa", "graph_sample.json"),
    }


def test_files_of_a_run_that_another_process_adds_meanwhile_are_kept(tmp_path):
    results = tmp_path / "results"
    for seed in (0, 1):
        known = read_runs(results)["folder"]  # the second time, of the first run alone
        folder = run_folder(tmp_path / "outputs", seed=seed)
        (folder / "explorer.json").write_text("{}")
        add_run(results, folder)
    keep_shown(results, {"explorer.json": ()}, known)
    assert [path.parent.name for path in results.glob("shown/*/*/*/*")] == ["seed1-00000001-aaaaaaa"]


def test_a_run_that_was_killed_before_its_row_was_written(tmp_path):
    """Its history and its explorer.json are already there, from an earlier attempt."""
    results, folder = tmp_path / "results", run_folder(tmp_path / "outputs")
    (folder / "explorer.json").write_text("{}")
    add_run(results, folder)
    (results / "runs.csv").unlink()
    (folder / "explorer.json").write_text("[]")
    (folder / "history.csv").write_text("iteration,acc\n0,0.7\n")
    add_run(results, folder)
    assert read_histories(results)[FOLDER].to_dict("list") == {"iteration": [0], "acc": [0.7]}
    assert shown_file(results, FOLDER, "explorer.json").read_text() == "[]"


def test_the_lines_of_two_branches_are_put_in_order(tmp_path):
    """The files are as git's union merge leaves them: the lines of one branch after those of the other."""
    for name, seeds in (("both", (0, 1, 2)), ("ours", (1, 0)), ("theirs", (2, 0))):
        for seed in seeds:
            folder = run_folder(tmp_path / name / "outputs", seed=seed)
            (folder / "thresholds.csv").write_text(SWEEP)
            add_run(tmp_path / name / "results", folder)
    for path in ("runs.csv", "history/mnist.csv", "thresholds.csv"):
        ours, theirs = (tmp_path / name / "results" / path for name in ("ours", "theirs"))
        ours.write_text(ours.read_text() + theirs.read_text().split("\n", 1)[1])
    tidy(tmp_path / "ours" / "results")
    assert content(tmp_path / "ours" / "results") == content(tmp_path / "both" / "results")
    before = (tmp_path / "ours" / "results" / "runs.csv").stat().st_mtime_ns
    tidy(tmp_path / "ours" / "results")
    assert (tmp_path / "ours" / "results" / "runs.csv").stat().st_mtime_ns == before


def damaged(folder: Path, kind: str) -> None:
    """Damage a file of a run's folder; `kind` is ``FILE: DAMAGE``."""
    name, _, what = kind.partition(": ")
    path = folder / name
    path.unlink(missing_ok=True)
    match what:
        case "a link":
            path.symlink_to("/etc/hostname")
        case "a link to nowhere":
            path.symlink_to("nowhere")
        case "a pipe":
            os.mkfifo(path)
        case "300 MB":
            path.touch()
            os.truncate(path, 300 * 2**20)
        case "nested":
            path.write_text("[" * 60_000)
        case "lists":
            path.write_text(json.dumps({**RESULT, "acc": [1]}))
        case "two lines":
            path.write_text(json.dumps({**RESULT, "device": "a\nb"}))
        case "no rows":
            path.write_text("iteration,acc\n")
        case "ragged":
            path.write_text("iteration,acc\n0,0.5\n1,0.5,0.5\n")
        case "their key":
            path.write_text("iteration,config_hash\n0,00000009\n")
        case "no text":
            path.write_bytes(b"\xff\xfe")
        case "empty":
            path.touch()
        case "unpacks":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
                file.writestr("pictures.npy", bytes(2**25))


DAMAGES = [
    *(f"result.json: {what}" for what in ("a link", "a pipe", "300 MB", "nested", "lists")),
    *("result.json: two lines", "result.json: empty"),
    *(f"history.csv: {what}" for what in ("a link to nowhere", "a pipe", "300 MB", "no rows", "ragged")),
    *(f"history.csv: {what}" for what in ("their key", "no text", "empty")),
    *("thresholds.csv: empty", "thresholds.csv: a pipe"),
    *(".hydra/overrides.yaml: 300 MB", ".hydra/overrides.yaml: nested", ".hydra/overrides.yaml: a link"),
    *("explorer.json: nested", "explorer.json: a pipe", "graph_sample.json: a link"),
    *("members.npz: unpacks", "members.npz: empty"),
]


@pytest.mark.parametrize("kind", DAMAGES)
def test_one_run_that_cannot_be_taken_and_none_is(tmp_path, kind):
    results = tmp_path / "results"
    add_run(results, run_folder(tmp_path / "outputs", seed=0))
    before = content(results)
    run_folder(tmp_path / "theirs", seed=1)
    damaged(run_folder(tmp_path / "theirs", seed=2), kind)
    with pytest.raises(InputError) as told:
        merge(results, tmp_path / "theirs")
    line = str(told.value)
    assert len(line.splitlines()) == 1
    assert kind.partition(": ")[0].rpartition("/")[2] in line
    assert "leave" in line or "remove it" in line
    assert content(results) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("runs.csv", "runs/mnist/", "runs/../"),
        ("runs.csv", "runs/mnist/", "runs/.git/"),
        ("runs.csv", "seed0-00000000-aaaaaaa", "seed0-00000001-aaaaaaa"),
        ("runs.csv", "command,", "order,"),
        ("runs.csv", "0.5,", "0.5,,"),
        ("history/mnist.csv", "config_hash,", "hash,"),
        ("thresholds.csv", "t_pos,", "t_positive,"),
    ],
)
def test_results_of_another_machine_that_cannot_be_taken(tmp_path, name, old, new):
    folder = run_folder(tmp_path / "outputs")
    (folder / "thresholds.csv").write_text(SWEEP)
    add_run(tmp_path / "theirs", folder)
    path = tmp_path / "theirs" / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=f"{path} is damaged"):
        merge(tmp_path / "a" / "results", tmp_path / "theirs")
    assert content(tmp_path / "a" / "results") == {}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("runs.csv", None, ""),
        ("runs.csv", None, "\ufeff\udcff"),
        ("runs.csv", "config_hash", "hash"),
        ("runs.csv", ",0.5,", ",half,"),
        ("runs.csv", ",aaaaaaa\n", ",aaa"),
        ("runs.csv", ",aaaaaaa\n", "\n"),
        ("history/mnist.csv", ",relaxed\n", "\n"),
        ("history/mnist.csv", ",0,0,0.3", ",0,first,0.3"),
        ("thresholds.csv", "code", "version"),
        ("failed.csv", None, "config_hash\n"),
    ],
)
def test_damage_of_results_is_told_before_anything_is_run(tmp_path, name, old, new):
    folder = run_folder(tmp_path / "outputs")
    (folder / "thresholds.csv").write_text(SWEEP)
    add_run(tmp_path / "results", folder)
    check_readable(tmp_path / "results")
    path = tmp_path / "results" / name
    text = new if old is None else path.read_text().replace(old, new)
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(InputError, match=rf"{path} is damaged.*: restore it \(git checkout\), or remove the"):
        check_readable(tmp_path / "results")


@pytest.mark.parametrize("name", ["history", "shown", "runs.csv", "thresholds.csv", "history/mnist.csv"])
def test_results_of_another_machine_that_lead_elsewhere(tmp_path, name):
    folder = run_folder(tmp_path / "outputs")
    (folder / "thresholds.csv").write_text(SWEEP)
    (folder / "explorer.json").write_text("{}")
    add_run(tmp_path / "theirs", folder)
    path = tmp_path / "theirs" / name
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="link"):
        merge(tmp_path / "results", tmp_path / "theirs")
    assert content(tmp_path / "results") == {}


def test_an_archive_that_lies(tmp_path):
    with zipfile.ZipFile(tmp_path / "runs-1.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("runs/mnist/x/y/result.json", bytes(2**25))
    with pytest.raises(
        InputError, match=r"runs-1\.zip: .*result\.json has 33,554,432 bytes: leave the file out"
    ):
        merge(tmp_path / "results", tmp_path)


def test_an_archive_with_damaged_bytes(tmp_path):
    path = tmp_path / "runs-1.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("digits/kmeans/seed0-01234567/result.json", json.dumps(list(range(500))))
    content = bytearray(path.read_bytes())
    content[75:95] = bytes(range(200, 220))  # within the compressed bytes: not even their codes are valid
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"runs-1\.zip is not a complete \.zip file .*: leave it out"):
        merge(tmp_path / "results", tmp_path)


def test_an_archive_that_is_no_folder(tmp_path):
    (tmp_path / "runs-1.zip").touch()
    with pytest.raises(InputError, match=r"archive=.*runs-1\.zip is no folder: give one"):
        check_archive(tmp_path / "runs-1.zip")


def test_nothing_to_merge(tmp_path):
    with pytest.raises(InputError, match=r"no finished runs: give a folder with result\.json files"):
        merge(tmp_path / "results", tmp_path)
    with pytest.raises(InputError, match=r"merge=.*nowhere does not exist: give a folder"):
        merge(tmp_path / "results", tmp_path / "nowhere")
    assert not (tmp_path / "results").exists()


def test_a_file_of_an_archive_is_taken_itself(tmp_path):
    for seed in (0, 1):
        pack_run(tmp_path / f"archive{seed}", f"runs/{seed}", run_folder(tmp_path / "outputs", seed=seed))
    (tmp_path / "archive0" / "runs-1.zip").rename(tmp_path / "archive1" / "runs-2.zip")
    assert merge(tmp_path / "results", tmp_path / "archive1" / "runs-2.zip") == (1, 1)
    assert list(read_runs(tmp_path / "results")["seed"]) == [0]


@pytest.mark.parametrize(
    ("commit", "code"),
    [
        ("a" * 40, "aaaaaaa"),
        ("a" * 40 + "-dirty", "aaaaaaa-dirty"),
        ("a" * 40 + "+" + "b" * 40 + "-dirty", "aaaaaaa+bbbbbbb-dirty"),
        (None, "unknown"),
    ],
)
def test_code_version(commit, code):
    assert code_version(commit) == code


def test_merging_the_folder_one_stands_in(tmp_path, monkeypatch):
    run_folder(tmp_path / "outputs", seed=1)
    monkeypatch.chdir(tmp_path / "outputs" / "mnist")
    assert merge(tmp_path / "results", Path(".")) == (1, 1)
    assert list(read_runs(tmp_path / "results")["folder"]) == [
        "runs/mnist/kingdra-ladder_im/seed1-00000001-aaaaaaa"
    ]


def test_failures_noted_by_two_at_a_time_are_all_kept(tmp_path):
    def note(first: int) -> None:
        for number in range(first, first + 10):
            run = PlannedRun("digits", "row", "acc", "digits", "-", "short", 0, ("seed=0",), f"{number:08x}")
            note_failure(tmp_path, run, 1, "It failed")

    writers = [threading.Thread(target=note, args=(first,)) for first in (0, 10)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(read_failures(tmp_path)) == 20
