"""Runs in the process of `kingdra-reproduce` itself: real ones, and fake ones that fail or take long."""

import logging
import signal
import time

import numpy as np
import pandas as pd
import pytest
import torch

from kingdra_repro.errors import InputError
from kingdra_repro.programs import in_process
from kingdra_repro.reproduce.packed import pack_run
from kingdra_repro.reproduce.store import merge
from kingdra_repro.runs.monitor import History
from tests.reproduce.fake_run import leave_run

REAL = ("rows=Kingdra-Ladder-IM", "n_jobs=1", "device=cpu", "report=false")
LABELS = "outputs/digits/kingdra-ladder_im/seed*/labels.npy"


@pytest.fixture
def fakes_in_process(fakes, monkeypatch):
    """Make the fake runs in this process."""
    monkeypatch.setattr("kingdra_repro.programs.run.main", leave_run)
    return fakes


def test_the_same_labels_as_in_processes_of_their_own(kingdra_reproduce, tmp_path, monkeypatch):
    handlers = logging.getLogger().handlers[:]
    found = []
    for where in ("true", "false"):
        folder = tmp_path / where
        folder.mkdir()
        monkeypatch.chdir(folder)
        assert "1 runs done" in kingdra_reproduce(*REAL, "seeds=0", f"one_process={where}").out
        assert "iteration 1: accuracy" in next((folder / "outputs" / "logs").iterdir()).read_text()
        (path,) = folder.glob(LABELS)
        found.append(np.load(path))
    assert logging.getLogger().handlers == handlers
    np.testing.assert_array_equal(*found)


def test_a_run_that_the_budget_cuts_is_gone_on_with(kingdra_reproduce, tmp_path, monkeypatch):
    """The budget ends at the end of the first phase, so the test does not depend on the machine's speed."""

    class EndsAfterTheFirstPhase(History):
        def add(self, row) -> None:
            super().add(row)
            signal.raise_signal(signal.SIGALRM)

    arguments = (*REAL, "seeds=0", "one_process=true")
    with monkeypatch.context() as patched:
        patched.setattr("kingdra_repro.runs.monitor.History", EndsAfterTheFirstPhase)
        assert "0 runs done; 1 left for lack of time" in kingdra_reproduce(*arguments, "budget=1h").out
    (history,) = tmp_path.glob("outputs/*/*/seed0-*/history.csv")
    assert list(pd.read_csv(history)["iteration"]) == [0]
    assert list(history.parent.glob("checkpoint/*.pt"))
    assert len(list((tmp_path / "outputs" / "logs").iterdir())) == 1
    assert "1 runs done" in kingdra_reproduce(*arguments).out
    assert list(pd.read_csv(history)["iteration"]) == [0, 1]


def test_it_stops_at_the_end_of_the_budget(kingdra_reproduce, fakes_in_process):
    fakes_in_process.behave("Kingdra-Ladder-IM", 0, seconds=100)
    began = time.monotonic()
    outcome = kingdra_reproduce("one_process=true", "budget=1s", "report=false")
    assert time.monotonic() - began < 60
    assert "0 runs done; 4 left for lack of time" in outcome.out
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.parametrize("fails", ["mistake", "defect"])
def test_a_failed_run_does_not_stop_the_rest(kingdra_reproduce, fakes_in_process, tmp_path, fails):
    fakes_in_process.behave("K-means", 0, fails=fails)
    outcome = kingdra_reproduce("one_process=true", "report=false")
    assert outcome.status == 1
    assert "3 runs done; 1 failed" in outcome.out
    (noted,) = pd.read_csv(tmp_path / "results" / "failed.csv").to_dict("records")
    assert noted["line"] == {"mistake": "no such data; get it", "defect": "RuntimeError: broken"}[fails]


def test_ctrl_c_stops_all_of_it(kingdra_reproduce, fakes_in_process):
    fakes_in_process.behave("Kingdra-Ladder-IM", 0, interrupted=True)
    outcome = kingdra_reproduce("one_process=true")
    assert outcome.status == 130
    assert len(fakes_in_process.started()) == 1


def test_a_gpu_has_one_process_unless_told_otherwise(kingdra_reproduce, fakes, monkeypatch):
    gpu = torch.device("cuda")
    monkeypatch.setattr("kingdra_repro.programs.reproduction.choose_devices", lambda *_: [gpu])
    monkeypatch.setattr(in_process, "run", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        kingdra_reproduce("seeds=0")
    assert kingdra_reproduce("seeds=0", "one_process=false", "report=false").status == 0


def test_finished_runs_are_packed_and_merged(kingdra_reproduce, fakes, tmp_path, monkeypatch):
    kingdra_reproduce("archive=out", "report=false")
    assert [path.name for path in (tmp_path / "out").glob("*.zip")] == ["runs-1.zip"]
    outcome = kingdra_reproduce("merge=out", "results=elsewhere", "report=false")
    assert "4 runs in out, 4 of them new" in outcome.out
    ours, theirs = (pd.read_csv(tmp_path / name / "runs.csv") for name in ("results", "elsewhere"))
    pd.testing.assert_frame_equal(ours, theirs)

    monkeypatch.setattr("kingdra_repro.reproduce.packed.FULL", 1)
    for folder in sorted((tmp_path / "outputs").glob("*/*/seed*")):
        for _ in range(2):
            pack_run(tmp_path / "again", f"runs/{folder.parent.name}/x/{folder.name}", folder)
    assert len(list((tmp_path / "again").glob("*.zip"))) == 4
    assert merge(tmp_path / "third", tmp_path / "again") == (4, 4)


def test_a_damaged_archive_is_reported(tmp_path):
    (tmp_path / "runs-1.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"runs-1\.zip is not a complete \.zip file .*leave it out"):
        merge(tmp_path / "results", tmp_path)


def test_all_seeds_of_the_most_valuable_rows_first(kingdra_reproduce, fakes):
    kingdra_reproduce("first=rows", "report=false")
    order = [("Kingdra-Ladder-IM", 0), ("Kingdra-Ladder-IM", 1), ("K-means", 0), ("K-means", 1)]
    assert fakes.started() == [fakes.run(*each).config_hash for each in order]
    assert kingdra_reproduce("first=columns").err == (
        "kingdra-reproduce: unknown first=columns: choose from seeds, rows\n"
    )
