"""Several runs at a time: joblib's threads and submitit's local jobs, with pretended runs."""

import fcntl
import sys
import time

import pandas as pd
import pytest

from tests.reproduce.conftest import runs

LAUNCHERS = ["joblib", "slurm_local"]


@pytest.fixture
def launched(kingdra_reproduce, fakes, request):
    """kingdra-reproduce through the launcher, two at a time."""
    if request.param == "slurm_local":
        pytest.importorskip("submitit")
    return lambda *given: kingdra_reproduce(f"launcher={request.param}", "n=2", "report=false", *given)


@pytest.mark.parametrize("launched", LAUNCHERS, indirect=True)
def test_a_failed_run_is_named_and_what_is_finished_is_skipped(launched, fakes, tmp_path):
    fakes.behave("K-means", 0, fails=True)
    first = launched("rows=K-means")
    assert first.status == 1
    assert "1 runs done; 1 failed" in first.out
    assert "smoke: K-means, digits, seed 0: FAILED: no such data; get it" in first.err
    assert list(runs(tmp_path)["seed"]) == [1]
    (noted,) = pd.read_csv(tmp_path / "results" / "failed.csv").to_dict("records")
    assert (noted["row"], noted["seed"], noted["status"]) == ("K-means", 0, 2)
    assert sorted(fakes.started()) == sorted(fakes.run("K-means", seed).config_hash for seed in (0, 1))
    fakes.behave("K-means", 0)
    assert "1 runs done" in launched("rows=K-means").out
    assert fakes.started() == [fakes.run("K-means", 0).config_hash]


@pytest.mark.parametrize("launched", LAUNCHERS, indirect=True)
def test_the_budget_cuts_what_is_at_work(launched, fakes):
    for seed in (0, 1):
        fakes.behave("Kingdra-Ladder-IM", seed, seconds=100)
        fakes.behave("K-means", seed, seconds=100)
    began = time.monotonic()
    outcome = launched("budget=4s")
    assert time.monotonic() - began < 60
    assert outcome.status == 0
    assert "0 runs done; 4 left for lack of time" in outcome.out
    assert len(fakes.started()) <= 2


@pytest.mark.parametrize("launched", ["joblib"], indirect=True)
def test_ctrl_c_stops_all_that_is_at_work(launched, fakes, tmp_path, monkeypatch):
    def gather(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kingdra_repro.reproduce.runner.Runner._gather", gather)
    fakes.behave("Kingdra-Ladder-IM", 0, seconds=100)
    began = time.monotonic()
    assert launched().status == 130
    assert time.monotonic() - began < 60
    with open(tmp_path / "outputs" / ".kingdra-reproduce.lock") as file:  # runs hold it until they have ended
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.slow
def test_a_job_at_its_time_limit_is_sent_again(kingdra_reproduce, fakes):
    pytest.importorskip("submitit")
    fakes.behave("K-means", 0, seconds=100, once=True)
    limits = ("launcher.timeout_min=0.2", "launcher.signal_delay_s=6")
    given = ("launcher=slurm_local", *limits, "rows=K-means", "seeds=0", "report=false")
    assert "1 runs done" in kingdra_reproduce(*given).out
    assert len(fakes.started()) == 2


def test_a_job_that_is_killed_is_named(kingdra_reproduce, fakes, tmp_path, monkeypatch):
    """The job, not the run in it: as a cluster does with one that takes too much memory."""
    submitit = pytest.importorskip("submitit")
    submit = submitit.LocalExecutor.submit

    def killed(*given):
        job = submit(*given)
        job._process.kill()
        return job

    monkeypatch.setattr(submitit.LocalExecutor, "submit", killed)
    monkeypatch.setattr(submitit.LocalExecutor.job_class, "_results_timeout_s", 0)
    fakes.behave("K-means", 0, seconds=100)
    outcome = kingdra_reproduce("launcher=slurm_local", "rows=K-means", "seeds=0", "report=false")
    assert outcome.status == 1
    (noted,) = pd.read_csv(tmp_path / "results" / "failed.csv").to_dict("records")
    assert "ended without a result (INTERRUPTED): see " in noted["line"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["launcher=pbs"], "unknown launcher=pbs: choose from joblib, slurm, slurm_local"),
        (["launcher=joblib", "n=0"], "n must be an integer of at least 1; got 0"),
        (["n=8"], "n=8 is for several runs at a time: give launcher=joblib, too"),
        (["launcher=joblib", "one_process=true"], "one_process=true makes one run after the other"),
        (["launcher=slurm", "launcher.partitoin=gpu"], "launcher.partitoin is not a setting"),
    ],
)
def test_mistakes_in_one_line(kingdra_reproduce, fakes, arguments, line):
    outcome = kingdra_reproduce(*arguments)
    assert outcome.status == 2
    (told,) = outcome.err.splitlines()
    assert told.startswith(f"kingdra-reproduce: {line}")


def test_no_slurm_here(kingdra_reproduce, fakes, monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", "")
    outcome = kingdra_reproduce("launcher=slurm")
    assert outcome.status == 2
    assert outcome.err.startswith("kingdra-reproduce: launcher=slurm needs a machine of a Slurm cluster")


def test_the_package_is_not_installed(kingdra_reproduce, fakes, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    monkeypatch.delitem(sys.modules, "kingdra_repro.reproduce.slurm", raising=False)
    monkeypatch.delattr("kingdra_repro.reproduce.slurm", raising=False)
    outcome = kingdra_reproduce("launcher=slurm")
    assert outcome.status == 2
    assert outcome.err.endswith("need another package: pip install 'kingdra-repro[slurm]'\n")
