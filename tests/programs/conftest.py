"""Fixtures that call the real console functions in this process.

Starting Python and importing torch for each test would take minutes.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hydra.core.global_hydra import GlobalHydra

from kingdra_repro.programs import run as console

# Settings with which Kingdra takes a second.
TINY = (
    "base.hidden=[16,16]",
    "ensemble.size=2",
    "training.iterations=1",
    "training.first_epochs=1",
    "training.epochs=1",
    "training.batch_size=256",
    "n_jobs=1",
)

CUSTOM = ("dataset=custom", "dataset.path=x.npy", *TINY)  # needs the fixture `features`


@dataclass(frozen=True)
class Outcome:
    """The exit status of a command, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def mistake(self) -> str:
        """The message of a user error, which must be one line without a traceback."""
        assert self.status == 2
        assert "Traceback" not in self.out + self.err
        (line,) = self.err.splitlines()
        return line.removeprefix("kingdra-").partition(": ")[2]


def called(main: Callable[[], None], capsys: pytest.CaptureFixture[str], *command: str) -> Outcome:
    """Call a program's console function with a command line, and return its outcome."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", list(command))
        with pytest.raises(SystemExit) as stopped:
            main()
    GlobalHydra.instance().clear()
    return Outcome(int(stopped.value.code or 0), *capsys.readouterr())


@pytest.fixture
def features(tmp_path: Path) -> np.ndarray:
    """Write 60 points in 5 dimensions to x.npy."""
    X = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    np.save(tmp_path / "x.npy", X)
    return X


@pytest.fixture
def kingdra_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Return a function that calls ``kingdra-run`` with its arguments, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", os.environ.get("HYDRA_FULL_ERROR", "0"))
    monkeypatch.delenv("KINGDRA_DATA_DIR", raising=False)
    return partial(called, console.main, capsys, "kingdra-run")
