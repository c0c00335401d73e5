"""The scripts in examples/ run without warnings and print the expected text."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
PRINTED = {
    "digits.py": "Kingdra: 0.",
    "few_labels.py": "25 rows with a class, 475 without: 0.",
    "new_points.py": "Picture: clusters.png",
    "own_table.py": "customers: 600 rows, 3 columns",
}


def test_each_script_is_tried():
    assert sorted(PRINTED) == sorted(path.name for path in EXAMPLES.iterdir() if path.suffix == ".py")


@pytest.mark.parametrize("name", PRINTED)
def test_a_script_runs(name, tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(EXAMPLES / name)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert PRINTED[name] in done.stdout
    assert "Error" not in done.stderr
    assert "Warning" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == (["clusters.png"] if name == "new_points.py" else [])
