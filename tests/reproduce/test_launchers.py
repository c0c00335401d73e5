"""Several fake runs at a time: threads of joblib, and jobs of submitit, local or on a fake Slurm cluster."""

import fcntl
import json
import os
import sys
import time

import pandas as pd
import pytest
import torch

from kingdra_repro.reproduce.launchers import Share
from tests.reproduce.conftest import runs

LAUNCHERS = ["joblib", "slurm_local"]


@pytest.fixture
def launched(kingdra_reproduce, fakes, request):
    """Return a function that calls kingdra-reproduce with the launcher, two runs at a time."""
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
    with open(tmp_path / "outputs" / ".kingdra-reproduce.lock") as file:  # held by runs until they end
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
    """The job is killed, not the run in it, as a cluster kills a job that takes too much memory."""
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


# Fakes of Slurm's programs that do what submitit needs. sbatch runs the script in the background. It refuses
# every job if there is a file `refuses`, and the second job if there is a file `full`.
SLURM = {
    "sbatch": """
        n=$(($(cat $CLUSTER/n 2>/dev/null) + 1)); echo $n > $CLUSTER/n; cp $1 $CLUSTER/$n.sh
        if [ -e $CLUSTER/refuses ] || { [ -e $CLUSTER/full ] && [ $n = 2 ]; }; then
            echo "sbatch: error: $(cat $CLUSTER/refuses $CLUSTER/full 2>/dev/null)" >&2; exit 1
        fi
        (SLURM_JOB_ID=$n SLURM_PROCID=0 SLURM_NTASKS=1 setsid sh $1 > /dev/null 2>&1 &)
        echo "Submitted batch job $n"
    """,
    "srun": """
        while [ $1 != -u ]; do python=$1; shift; done
        exec "$python" "$@" > /dev/null 2>&1
    """,
    "sacct": "echo 'JobID|State|NodeList'",
    "scancel": 'echo "$@" >> $CLUSTER/cancelled',
}


@pytest.fixture
def cluster(tmp_path, fakes, monkeypatch):
    """Install a fake Slurm; return the folder in which it records what is sent to it."""
    pytest.importorskip("submitit")
    folder, programs = tmp_path / "cluster", tmp_path / "bin"
    folder.mkdir()
    programs.mkdir()
    for name, script in SLURM.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("CLUSTER", str(folder))
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return folder


def test_runs_are_jobs_of_slurm(kingdra_reproduce, cluster, fakes, tmp_path):
    given = ("launcher=slurm", "n=2", "rows=K-means", "report=false")
    wanted = (
        "launcher.partition=gpu",
        "launcher.mem_gb=3",
        "+launcher.additional_parameters.constraint=a100",
    )
    assert "2 runs done" in kingdra_reproduce(*given, *wanted).out
    asked = {line.removeprefix("#SBATCH --") for line in (cluster / "1.sh").read_text().splitlines()}
    assert {
        "partition=gpu",
        "mem=3GB",
        "cpus-per-task=4",
        "gpus-per-node=1",
        "time=240",
        "job-name=kingdra-reproduce",
        "signal=USR2@120",
        "requeue",
        "constraint=a100",
    } <= asked
    (folder,) = tmp_path.glob("outputs/*/*/seed0-*")
    assert "device=cuda" in json.loads((folder / ".hydra" / "overrides.yaml").read_text())


def test_a_cluster_that_takes_no_more_jobs_for_now(kingdra_reproduce, cluster, fakes):
    (cluster / "full").write_text("QOSMaxSubmitJobPerUserLimit")
    fakes.behave("K-means", 0, seconds=2)
    assert "2 runs done" in kingdra_reproduce("launcher=slurm", "n=2", "rows=K-means", "report=false").out
    assert not (cluster / "cancelled").exists()


def test_a_job_that_slurm_refuses(kingdra_reproduce, cluster, fakes):
    (cluster / "refuses").write_text("invalid partition specified: gpuu")
    outcome = kingdra_reproduce("launcher=slurm", "launcher.partition=gpuu", "rows=K-means", "report=false")
    assert outcome.status == 2
    assert outcome.err.splitlines()[-1] == (  # after the output of sbatch
        "kingdra-reproduce: Slurm refuses the job (invalid partition specified: gpuu): "
        "correct what launcher. asks for (--help)"
    )


def test_gpus_are_those_of_the_cluster_not_of_the_machine_that_sends(kingdra_reproduce, cluster, fakes):
    given = ("rows=K-means", "report=false", "dry_run=true", "device=cuda")
    assert kingdra_reproduce(*given, "launcher=slurm").status == 0
    assert "is not available on this machine" in kingdra_reproduce(*given, "launcher=slurm_local").err


def test_runs_of_one_machine_take_its_gpus_by_turns(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    share = Share(4)
    assert [share.of(["seed=0"])[1:] for _ in range(3)] == [
        ["n_jobs=1", f"device=cuda:{i}"] for i in (0, 1, 0)
    ]
    assert share.of(["device=cpu", "n_jobs=2"]) == ["device=cpu", "n_jobs=2"]


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
