"""The runner with fake runs: which are done, left or failed, and the estimated time."""

import json
import shutil

import pandas as pd
import pytest

from kingdra_repro.programs.reproduction import write_reports
from kingdra_repro.reproduce.estimate import Estimate, show_time_left
from kingdra_repro.training.progress import show_duration
from tests.reproduce.conftest import runs


def test_the_second_time_nothing_is_run(kingdra_reproduce, fakes, tmp_path):
    first = kingdra_reproduce()
    assert first.status == 0
    assert "4 runs done" in first.out
    assert len(fakes.started()) == 4
    before = runs(tmp_path)
    second = kingdra_reproduce()
    assert second.status == 0
    assert "nothing to run: all 4 runs are in" in second.out
    assert fakes.started() == []
    pd.testing.assert_frame_equal(runs(tmp_path), before)


def test_the_most_valuable_first(kingdra_reproduce, fakes):
    kingdra_reproduce()
    order = [("Kingdra-Ladder-IM", 0), ("K-means", 0), ("Kingdra-Ladder-IM", 1), ("K-means", 1)]
    assert fakes.started() == [fakes.run(*each).config_hash for each in order]


def test_what_is_asked_for(kingdra_reproduce, fakes):
    kingdra_reproduce("only=smoke", "rows=K-means,Kingdra-Ladder-IM", "datasets=digits", "seeds=1..1")
    assert len(fakes.started()) == 2
    kingdra_reproduce("rows=K-means")
    assert fakes.started() == [fakes.run("K-means", 0).config_hash]


def test_a_failed_run_does_not_stop_the_rest(kingdra_reproduce, fakes, tmp_path):
    fakes.behave("K-means", 0, fails=True)
    outcome = kingdra_reproduce()
    assert outcome.status == 1
    assert "3 runs done; 1 failed" in outcome.out
    assert "FAILED: no such data; get it" in outcome.err
    (noted,) = pd.read_csv(tmp_path / "results" / "failed.csv").to_dict("records")
    assert (noted["row"], noted["seed"], noted["line"]) == ("K-means", 0, "no such data; get it")
    assert noted["command"] == "kingdra-run dataset=digits method=kmeans method.n_init=1 seed=0"
    assert "something" in (tmp_path / "outputs" / "logs" / f"{noted['config_hash']}.log").read_text()

    fakes.started()
    fakes.behave("K-means", 0)
    assert kingdra_reproduce().status == 0
    assert len(fakes.started()) == 1
    assert not (tmp_path / "results" / "failed.csv").exists()


def test_the_first_of_all_runs_fails(kingdra_reproduce, fakes, tmp_path):
    fakes.behave("Kingdra-Ladder-IM", 0, fails=True)
    assert kingdra_reproduce().status == 1
    assert len(runs(tmp_path)) == 3
    assert (tmp_path / "results" / "failed.csv").exists()


def test_a_failed_run_that_another_machine_has_made(kingdra_reproduce, fakes, tmp_path):
    kingdra_reproduce("results=theirs/results", "output_dir=theirs/outputs")
    fakes.behave("K-means", 0, fails=True)
    kingdra_reproduce()
    assert (tmp_path / "results" / "failed.csv").exists()
    kingdra_reproduce("merge=theirs/results")
    assert not (tmp_path / "results" / "failed.csv").exists()


def test_reports_before_the_first_run(tmp_path, fakes):
    write_reports(tmp_path / "results", fakes.planned)
    assert "not run" in (tmp_path / "results" / "tables" / "smoke.csv").read_text()
    assert not (tmp_path / "results" / "report.html").exists()


@pytest.mark.parametrize("content", ["{", None])
def test_one_folder_that_cannot_be_read_does_not_stop_the_rest(kingdra_reproduce, fakes, tmp_path, content):
    """A truncated result.json is a failure; one without an accuracy, as from another version, is taken."""
    kingdra_reproduce("rows=K-means", "seeds=0")
    shutil.rmtree(tmp_path / "results")
    (path,) = (tmp_path / "outputs").rglob("result.json")
    known = json.loads(path.read_text())
    del known["acc"]
    path.write_text(json.dumps(known) if content is None else content)
    begun = path.parents[1] / f"seed1-{fakes.run('K-means', 1).config_hash}" / "checkpoint" / "wall_seconds"
    begun.parent.mkdir(parents=True)
    begun.touch()
    outcome = kingdra_reproduce()
    assert len(runs(tmp_path)) == (3 if content else 4)
    assert outcome.status == (1 if content else 0)
    if content:
        told = f"is not the result of a run: remove {path.parent.relative_to(tmp_path)} to make the run again"
        assert told in outcome.err
        assert told in (tmp_path / "results" / "failed.csv").read_text()
        assert "leave" not in outcome.err


def test_damaged_results_are_told_before_the_first_run(kingdra_reproduce, fakes, tmp_path):
    kingdra_reproduce("rows=K-means", "seeds=0")
    ledger = tmp_path / "results" / "runs.csv"
    ledger.write_text(ledger.read_text().splitlines()[0] + "\n")
    fakes.started()
    outcome = kingdra_reproduce()
    assert outcome.status == 2
    assert outcome.err.startswith("kingdra-reproduce: results/runs.csv is damaged")
    assert len(outcome.err.splitlines()) == 1
    assert fakes.started() == []


def test_a_run_whose_packing_failed_is_packed_by_the_next_call(
    kingdra_reproduce, fakes, tmp_path, monkeypatch
):
    def full(*_):
        raise OSError(28, "No space left on device", "out/runs-1.zip")

    with monkeypatch.context() as patched:
        patched.setattr("kingdra_repro.reproduce.store.pack_run", full)
        assert kingdra_reproduce("archive=out", "rows=K-means", "seeds=0").status == 2
    assert kingdra_reproduce("archive=out", "rows=K-means", "seeds=0").status == 0
    assert len(fakes.started()) == 1
    kingdra_reproduce("results=again", "merge=out")
    assert len(pd.read_csv(tmp_path / "again" / "runs.csv")) == 1


def test_a_damaged_archive_is_told_before_the_first_run(kingdra_reproduce, fakes, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "runs-1.zip").write_bytes(b"PK\x03\x04")
    outcome = kingdra_reproduce("archive=out")
    told = "kingdra-reproduce: out/runs-1.zip is not a complete .zip file: move it away\n"
    assert (outcome.status, outcome.err) == (2, told)
    assert fakes.started() == []


def test_a_run_that_is_finished_in_outputs_is_not_run(kingdra_reproduce, fakes, tmp_path):
    kingdra_reproduce()
    fakes.started()
    shutil.rmtree(tmp_path / "results")
    kingdra_reproduce()
    assert fakes.started() == []
    assert len(runs(tmp_path)) == 4


def test_another_version_of_the_code(kingdra_reproduce, fakes, tmp_path):
    kingdra_reproduce()
    fakes.started()
    fakes.commit = "f" * 40
    fakes.write()
    kingdra_reproduce()
    assert fakes.started() == []
    kingdra_reproduce("again=true")
    assert len(fakes.started()) == 4
    assert sorted(runs(tmp_path)["code"]) == ["0123456"] * 4 + ["fffffff"] * 4
    kingdra_reproduce("again=true")
    assert fakes.started() == []


@pytest.mark.parametrize(("commit", "code"), [("f" * 40 + "-dirty", "fffffff-dirty"), (None, "unknown")])
def test_code_that_has_no_commit_is_no_version(kingdra_reproduce, fakes, commit, code):
    fakes.commit = commit
    outcome = kingdra_reproduce("again=true")
    assert outcome.status == 2
    assert f"by their commit, and this is {code}: commit first, or give fresh results=" in outcome.err
    assert fakes.started() == []


def test_the_budget_cuts_a_run_that_nothing_is_known_of(kingdra_reproduce, fakes, tmp_path):
    fakes.behave("Kingdra-Ladder-IM", 0, seconds=100)
    outcome = kingdra_reproduce("budget=2s")
    assert outcome.status == 0
    assert "0 runs done; 4 left for lack of time" in outcome.out
    assert len(fakes.started()) == 1
    fakes.behave("Kingdra-Ladder-IM", 0)
    assert "4 runs done" in kingdra_reproduce().out
    assert not (tmp_path / "results" / "failed.csv").exists()


def test_no_run_starts_that_would_not_end_in_time(kingdra_reproduce, fakes):
    """Each fake run reports that it took 60 s."""
    kingdra_reproduce("seeds=0")
    fakes.started()
    outcome = kingdra_reproduce("budget=50s")
    assert "0 runs done; 2 left" in outcome.out
    assert fakes.started() == []
    assert "2 runs done" in kingdra_reproduce("budget=3min").out


def test_dry_run(kingdra_reproduce, fakes, tmp_path):
    kingdra_reproduce("rows=K-means", "seeds=0")
    fakes.started()
    lines = kingdra_reproduce("dry_run=true").out.splitlines()
    assert len(lines) == 4
    assert lines[1].startswith("smoke: Kingdra-Ladder-IM, digits, shuffled, seed 1: ?; kingdra-run dataset=")
    assert lines[2].startswith("smoke: K-means, digits, seed 1: 0:01:00; kingdra-run dataset=digits")
    assert lines[3] == "3 runs are missing, about 0:01:00 and ? for 2 of 3 runs left"
    assert fakes.started() == []


@pytest.mark.parametrize("other", ["merge=outputs", "only_report=true"])
def test_a_dry_run_of_what_is_no_run(kingdra_reproduce, fakes, other):
    outcome = kingdra_reproduce("dry_run=true", other)
    assert outcome.status == 2
    assert "leave out merge= and only_report=" in outcome.err
    assert fakes.reported == []


@pytest.mark.parametrize(
    "given",
    [
        "budget=1h",
        "again=true",
        "archive=packed",
        "n=2",
        "one_process=true",
        "rows=K-means",
        "datasets=digits",
        "seeds=0",
    ],
)
@pytest.mark.parametrize("other", ["merge=outputs", "only_report=true"])
def test_settings_of_runs_where_nothing_is_run(kingdra_reproduce, fakes, given, other):
    outcome = kingdra_reproduce(other, given)
    assert outcome.status == 2
    assert f"{given.partition('=')[0]}= is for runs, and {other} makes none" in outcome.err
    assert fakes.reported == []


def test_tables_are_of_the_whole_plan(kingdra_reproduce, fakes):
    kingdra_reproduce("rows=K-means", "seeds=0")
    kingdra_reproduce("only_report=true")
    kingdra_reproduce("merge=outputs")
    assert len(fakes.started()) == 1
    assert fakes.reported == [len(fakes.planned)] * 3


def test_reports(kingdra_reproduce, tmp_path, monkeypatch, fakes):
    kingdra_reproduce("rows=K-means", "seeds=0")
    called = {}
    parts = {"tables": "write_tables", "figures": "draw_paper_figures", "page": "write_report"}
    for module, function in parts.items():
        monkeypatch.setattr(
            f"kingdra_repro.report.{module}.{function}",
            lambda *given, module=module: called.update({module: given}),
        )
    write_reports(tmp_path / "results", fakes.planned)
    results, planned, cells = called["tables"]
    assert (results, planned) == (tmp_path / "results", fakes.planned)
    assert not cells.empty
    assert called["figures"] == (results, cells)
    assert called["page"] == (results,)


def test_merge_runs_nothing(kingdra_reproduce, fakes, tmp_path):
    kingdra_reproduce("results=theirs", "seeds=0")
    fakes.started()
    outcome = kingdra_reproduce("merge=theirs")
    assert "2 runs in theirs, 2 of them new" in outcome.out
    assert fakes.started() == []
    assert len(runs(tmp_path)) == 2


def test_places_are_handed_on(kingdra_reproduce, fakes, tmp_path):
    """The fake run does not know these overrides, so its KeyError puts them into the log."""
    (tmp_path / "some where" / "it's").mkdir(parents=True)
    kingdra_reproduce(f"mirror={tmp_path}/some where/it's", "n_jobs=1", "rows=K-means", "seeds=0")
    log = (tmp_path / "outputs" / "logs" / f"{fakes.run('K-means', 0).config_hash}.log").read_text()
    assert f"seed=0 mirror='{tmp_path}/some where/it" in log
    assert "n_jobs=1" in log


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["only=smok"], "unknown only=smok: choose from batch_order"),
        (["schedule=long"], "unknown schedule=long: choose from published, short"),
        (["datasets=mnist"], "unknown datasets=mnist: choose from digits"),
        (["rows=IMSAT (VAT)"], "unknown rows=IMSAT (VAT): choose from K-means, Kingdra-Ladder-IM"),
        (["seeds=9"], "seeds=9 is in none of these experiments: choose from 0..1"),
        (["seeds=1..0"], "seeds must be a range or list of integers; got 1..0"),
        (["budget=2"], "budget must be a duration, such as budget=2h or budget=1h30min; got 2"),
        (["budget=2 hours"], "budget must be a duration, such as budget=2h or budget=1h30min; got 2 hours"),
        (["again=perhaps"], "again must be true or false; got perhaps"),
        (["onyl=smoke"], "onyl is not a setting (did you mean only?)"),
        (["smoke"], "smoke is not a setting: give NAME=VALUE"),
        (["merge="], "merge= is empty: give a folder, or leave it out"),
        (["only_report=true", "report=false"], "only_report=true and report=false leave nothing to do"),
        (["merge=nowhere"], "merge=nowhere does not exist: give a folder"),
        (["device=cuda:99"], "device=cuda:99 "),
        (["results=/proc/x"], "/proc/x: No such file or directory; give another results=, output_dir= or"),
        (["n_jobs=0"], "n_jobs must be an integer of at least 1, or -1 for all there is; got 0"),
        (["mirror=/nothere"], "mirror=/nothere does not exist, or is no folder: correct it, or leave it out"),
    ],
)
def test_mistakes_in_one_line(kingdra_reproduce, fakes, arguments, line):
    outcome = kingdra_reproduce(*arguments)
    assert outcome.status == 2
    (told,) = outcome.err.splitlines()
    assert told.startswith(f"kingdra-reproduce: {line}")
    assert fakes.started() == []


def test_help(kingdra_reproduce):
    outcome = kingdra_reproduce("--help")
    assert outcome.status == 0
    assert "budget=2h" in outcome.out
    assert "ensemble_size" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 120


def test_show_duration():
    assert show_duration(3909.4) == "1:05:09"


def test_estimates_are_medians_of_the_same_device():
    cells = pd.DataFrame(
        {
            **{"experiment": "e", "row": "A", "dataset": "mnist"},
            "schedule": ["short", "short", "short", "short", "published"],
            "device": ["cpu (x)", "cpu (y)", "cpu (x)", "cuda:0 (z)", "cpu (x)"],
            "wall_seconds": [10.0, 30.0, 90.0, 1.0, None],  # None: a run whose time is not known
        }
    )
    like, unlike = (
        type("Run", (), {"experiment": "e", "row": "A", "dataset": "mnist", "schedule": one})
        for one in ("short", "published")
    )
    estimate = Estimate(cells, "cpu")
    assert estimate.seconds(like) == 30
    assert estimate.seconds(unlike) is None
    assert estimate.total([like, like, unlike]) == (60, 1)
    assert Estimate(cells.drop(columns=["device", "wall_seconds"]), "cpu").total([like]) == (0, 1)


@pytest.mark.parametrize(
    ("left", "text"),
    [
        ((60, 0, 2), "about 0:01:00 left"),
        ((60, 1, 3), "about 0:01:00 and ? for 1 of 3 runs left"),
        ((0, 2, 2), "? left, 2 runs unknown"),
    ],
)
def test_time_left(left, text):
    assert show_time_left(*left) == text
