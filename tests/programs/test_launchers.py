"""Sweeps with Hydra's launchers: a failed job is named, and the others finish and are in the CSV."""

import subprocess
import sys
from typing import Any

import pandas as pd
import pytest
from hydra.core.plugins import Plugins

from tests.programs.conftest import CUSTOM

KMEANS = (*CUSTOM[:2], "method=kmeans", "n_clusters=3")
WITHOUT_PLUGINS = """
import sys
sys.modules["hydra_plugins"] = None
from kingdra_repro.programs.run import main
main()
"""


def swept(tmp_path) -> list[int]:
    """Return the seeds in the sweep's CSV."""
    assert not list(tmp_path.glob("outputs/sweeps/.jobs*"))
    (path,) = tmp_path.glob("outputs/sweeps/*/sweep.csv")
    return list(pd.read_csv(path)["seed"])


@pytest.mark.parametrize(
    ("module", "launcher"),
    [
        ("hydra_plugins.hydra_joblib_launcher", ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]),
        pytest.param(
            "hydra_plugins.hydra_submitit_launcher", ["hydra/launcher=slurm_local"], marks=pytest.mark.slow
        ),
    ],
)
def test_a_failing_job_is_named_and_the_others_are_done(kingdra_run, features, tmp_path, module, launcher):
    pytest.importorskip(module)
    outcome = kingdra_run("-m", *launcher, *KMEANS, "seed=0,-1")
    assert outcome.status == 2, outcome.err
    assert swept(tmp_path) == [0]
    first, last = [line for line in outcome.err.splitlines() if line.startswith("kingdra-run: ")]
    assert first.startswith("kingdra-run: #1 ")
    assert first.endswith("seed=-1: seed must be an integer from 0 to 4294967295; got -1")
    assert last.startswith("kingdra-run: 1 of the sweep's jobs failed: #1 ")
    logs = [path.read_text() for path in (tmp_path / "outputs" / "logs").iterdir()]
    assert sum("run folder: " in log for log in logs) == 1
    assert "run folder: " not in outcome.out


def test_a_defect_does_not_stop_the_others(kingdra_run, features, tmp_path, monkeypatch):
    from kingdra_repro.programs.cluster import make_result

    def broken(run, *given):
        return make_result(run, *given) if run["seed"] else 1 / 0

    monkeypatch.setattr("kingdra_repro.programs.cluster.make_result", broken)
    outcome = kingdra_run("seed=0,1,2", "-m", *KMEANS)
    assert outcome.status == 1
    assert outcome.err.count("ZeroDivisionError: division by zero\n") == 1
    assert "kingdra-run: 1 of the sweep's jobs failed: #0 " in outcome.err
    assert swept(tmp_path) == [1, 2]


def test_a_launcher_that_gives_up(kingdra_run, features, tmp_path, monkeypatch):
    """joblib gives up if one of its processes is killed; the table then has the finished runs."""
    basic = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
    launcher: Any = Plugins.instance().class_name_to_class[basic]
    launch = launcher.launch

    def first_two(self, overrides, **given):
        launch(self, overrides[:2], **given)
        raise RuntimeError("a worker was killed")

    monkeypatch.setattr(launcher, "launch", first_two)
    outcome = kingdra_run("-m", *KMEANS, "seed=0,1,2")
    assert outcome.status == 1
    assert "gave up: the same command goes on (RuntimeError: a worker was killed)" in outcome.err
    assert "Traceback" not in outcome.err
    assert swept(tmp_path) == [0, 1]


def test_ctrl_c_leaves_nothing_of_the_jobs_behind(kingdra_run, features, tmp_path, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kingdra_repro.programs.cluster.make_result", interrupted)
    outcome = kingdra_run("-m", *KMEANS, "seed=0,1")
    assert outcome.status == 130
    assert not list(tmp_path.glob("outputs/sweeps/.jobs*"))


def test_a_launcher_is_for_sweeps(kingdra_run, features):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    line = kingdra_run("hydra/launcher=joblib", *KMEANS).mistake
    assert line == "hydra/launcher=joblib sends the runs of a sweep: add -m"


@pytest.mark.parametrize(("launcher", "extra"), [("joblib", "joblib"), ("slurm_local", "slurm")])
def test_a_launcher_that_is_not_installed(launcher, extra, tmp_path):
    command = [sys.executable, "-c", WITHOUT_PLUGINS, "-m", f"hydra/launcher={launcher}", "seed=0,1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    line = f"hydra/launcher={launcher} needs another package: pip install 'kingdra-repro[{extra}]'"
    assert done.stderr == f"kingdra-run: {line}\n"
