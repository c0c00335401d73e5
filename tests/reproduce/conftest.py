"""Fixtures that call kingdra-reproduce in this process, with fake runs (`fake_run`)."""

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kingdra_repro.programs import reproduce as console
from kingdra_repro.reproduce.plan import PlannedRun, plan
from tests.programs.conftest import Outcome, called
from tests.reproduce import fake_run

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Fakes:
    """Fake runs of the experiment `smoke`, and a record of those that were started."""

    def __init__(self, folder: Path):
        self.path, self.started_path = folder / "fake.json", folder / "started"
        self.planned: list[PlannedRun] = plan(["smoke"])
        self.commit = COMMIT
        self.behaviour: dict[str, dict[str, Any]] = {}
        self.reported: list[int] = []  # length of the plan at each call of write_reports
        self.write()

    def run(self, row: str, seed: int) -> PlannedRun:
        return next(run for run in self.planned if (run.row, run.seed) == (row, seed))

    def behave(self, row: str, seed: int, **behaviour: Any) -> None:
        """Set what a run does; with no keyword argument, it succeeds at once.

        ``fails=True`` (or "defect"), ``seconds=100`` (with ``once=True`` only the first time), or
        ``interrupted=True``.
        """
        self.behaviour[self.run(row, seed).config_hash] = behaviour
        self.write()

    def write(self) -> None:
        runs = {
            " ".join(run.overrides): {
                **{"dataset": run.dataset, "method": run.row, "seed": run.seed},
                **{"config_hash": run.config_hash, **self.behaviour.get(run.config_hash, {})},
            }
            for run in self.planned
        }
        known = {"runs": runs, "commit": self.commit, "started": str(self.started_path)}
        self.path.write_text(json.dumps(known))

    def started(self) -> list[str]:
        """Return the hashes of the runs that were started since the last call."""
        lines = self.started_path.read_text().split() if self.started_path.exists() else []
        self.started_path.unlink(missing_ok=True)
        return lines


@pytest.fixture
def kingdra_reproduce(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Return a function that calls ``kingdra-reproduce`` for `smoke` only, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return partial(called, console.main, capsys, "kingdra-reproduce", "experiments=[smoke]")


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fakes:
    made = Fakes(tmp_path)
    root = Path(fake_run.__file__).parents[2]
    monkeypatch.setenv("FAKE_RUNS", str(made.path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(root), *sys.path]))
    monkeypatch.setattr(
        "kingdra_repro.reproduce.child.COMMAND", "from tests.reproduce.fake_run import main; main()"
    )
    monkeypatch.setattr("kingdra_repro.programs.reproduction.commit", lambda: made.commit)
    monkeypatch.setattr(
        "kingdra_repro.programs.reproduction.write_reports",
        lambda results, planned: made.reported.append(len(planned)),
    )
    return made


def runs(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "results" / "runs.csv", dtype={"config_hash": str, "code": str})
