"""results/: the same run twice is one row, another version of the code another."""

import json
from pathlib import Path

import pandas as pd
import pytest

from kingdra_repro.errors import InputError
from kingdra_repro.provenance import code_version
from kingdra_repro.reproduce.registry import add_run, merge, read_runs

COMMITS = ("a" * 40, "b" * 40)


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


def test_a_run_is_copied_and_listed(tmp_path):
    results, folder = tmp_path / "results", run_folder(tmp_path / "outputs")
    (folder / "votes.npz").write_bytes(b"small")
    (folder / "labels.npy").write_bytes(b"not kept")
    target = add_run(results, folder)
    assert target == results / "runs/mnist/kingdra-ladder_im/seed0-00000000-aaaaaaa"
    assert {path.name for path in target.iterdir()} == {
        "result.json", "history.csv", "votes.npz", "settings.txt"
    }  # fmt: skip
    (row,) = read_runs(results).to_dict("records")
    assert row["command"] == "kingdra-run dataset=mnist seed=0"
    assert row["folder"] == "runs/mnist/kingdra-ladder_im/seed0-00000000-aaaaaaa"
    assert (row["acc"], row["code"]) == (0.5, "aaaaaaa")
    assert (row["first_phase_acc"], row["first_phase_model_acc_mean"]) == (0.3, 0.2)
    assert row["first_phase_pseudo_label_acc"] == 0.9
    assert row["rules"] == "relaxed+given"  # nothing was trained on the last set


def test_a_checksum_is_no_number(tmp_path):
    folder = run_folder(tmp_path / "outputs")
    result = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps({**result, "features": "012345e6"}))
    add_run(tmp_path / "results", folder)
    assert read_runs(tmp_path / "results")["features"][0] == "012345e6"


def test_large_votes_stay_where_they_are(tmp_path):
    folder = run_folder(tmp_path / "outputs", history=False)
    (folder / "votes.npz").write_bytes(bytes(400_000))
    assert not (add_run(tmp_path / "results", folder) / "votes.npz").exists()


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
    (theirs / "runs" / ".part").mkdir()
    (theirs / "runs" / ".part" / "result.json").write_text("{}")  # its copying was killed
    assert merge(ours, theirs) == (2, 0)
    merged = read_runs(ours)
    assert list(merged["seed"]) == [0, 1, 2]
    pd.testing.assert_frame_equal(
        merged[merged["seed"] != 1].reset_index(drop=True), read_runs(theirs), check_dtype=False
    )


def test_one_run_that_cannot_be_taken_and_none_is(tmp_path):
    run_folder(tmp_path / "theirs", seed=1)
    bad = run_folder(tmp_path / "theirs", seed=2)
    (bad / "result.json").write_text("{}")
    with pytest.raises(InputError, match="leave its folder out"):
        merge(tmp_path / "results", tmp_path / "theirs")
    assert not list(tmp_path.glob("results/**/result.json"))


def test_what_a_kill_left_half_copied_is_swept_away(tmp_path):
    results = tmp_path / "results"
    (results / "runs" / ".part").mkdir(parents=True)
    (results / "runs" / ".part" / "old").write_text("")
    target = add_run(results, run_folder(tmp_path / "outputs", history=False))
    assert {path.name for path in target.iterdir()} == {"result.json", "settings.txt"}


def test_nothing_to_merge(tmp_path):
    with pytest.raises(InputError, match="no finished runs"):
        merge(tmp_path / "results", tmp_path)


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
