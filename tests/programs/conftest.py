"""The real console function, in this process: to start Python and torch for each would take minutes."""

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

# A Kingdra that takes a second.
TINY = (
    "base.hidden=[16,16]",
    "ensemble.size=2",
    "training.iterations=1",
    "training.first_epochs=1",
    "training.epochs=1",
    "training.batch_size=256",
    "n_jobs=1",
)

CUSTOM = ("dataset=custom", "dataset.path=x.npy", *TINY)  # with the fixture `features`


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def mistake(self) -> str:
        """The one line that a user's mistake is told in."""
        assert self.status == 2
        assert "Traceback" not in self.out + self.err
        (line,) = self.err.splitlines()
        return line.removeprefix("kingdra-").partition(": ")[2]


def called(main: Callable[[], None], capsys: pytest.CaptureFixture[str], *command: str) -> Outcome:
    """What a program's console function comes to, with this command line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", list(command))
        with pytest.raises(SystemExit) as stopped:
            main()
    GlobalHydra.instance().clear()
    return Outcome(int(stopped.value.code or 0), *capsys.readouterr())


@pytest.fixture
def features(tmp_path: Path) -> np.ndarray:
    """60 points in 5 dimensions, in x.npy."""
    X = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    np.save(tmp_path / "x.npy", X)
    return X


@pytest.fixture
def kingdra_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """``kingdra-run`` with the given arguments, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", os.environ.get("HYDRA_FULL_ERROR", "0"))
    monkeypatch.delenv("KINGDRA_DATA_DIR", raising=False)
    return partial(called, console.main, capsys, "kingdra-run")
