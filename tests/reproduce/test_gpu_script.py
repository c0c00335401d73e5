"""benchmarks/gpu.sh with small settings on a CPU: all of its steps succeed.

Run this before borrowing a GPU: ``pytest -m slow tests/reproduce/test_gpu_script.py``.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from kingdra_repro.reproduce.store import merge

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.sh"


def gpu_script(out: Path, work: Path) -> str:
    environment = {**os.environ, "DEVICE": "cpu", "PYTHON": sys.executable, "WORK": str(work)}
    environment["KINGDRA_DATA_DIR"] = str(work / "data")
    done = subprocess.run(
        ["bash", SCRIPT, out, "", "20"], env=environment, capture_output=True, text=True, timeout=1200
    )
    return done.stdout + done.stderr


@pytest.mark.slow
def test_all_of_it_and_then_nothing_is_left_on_another_machine(tmp_path: Path) -> None:
    out, work = tmp_path / "out", tmp_path / "work"
    printed = gpu_script(out, work)
    assert "4 runs done" in printed
    measured = (out / "measured.txt").read_text()
    for part in ("device", "checks", "steps", "graph"):
        assert f"== {part}: done in" in measured, measured
    files = {path.name for path in out.iterdir()}
    assert {"measured.txt", "runs.txt", "runs-1.zip"} <= files
    assert len(files) <= 8
    assert all(path.stat().st_size < 2**24 for path in out.iterdir())

    assert merge(tmp_path / "results", out) == (4, 4)
    runs = pd.read_csv(tmp_path / "results" / "runs.csv")
    assert set(runs["method"]) == {"kingdra", "kmeans"}

    shutil.rmtree(work)  # as on another machine
    again = gpu_script(out, work)
    assert "4 finished runs in OUT, 4 of them new here" in again
    assert "nothing to run: all 4 runs are in" in again
    assert (out / "measured.txt").read_text() == measured
