"""Commands that only print something do not import torch, which takes seconds (15 on a busy machine)."""

import os
import subprocess
import sys

import pytest

COMMAND = """
import sys
sys.argv[0] = "kingdra-run"
from kingdra_repro.programs.run import main
try:
    main()
finally:
    print([name for name in ("torch", "sklearn", "scipy", "pandas") if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job"], ["-sc", "query=bash"]])
def test_what_only_tells_loads_no_torch(arguments, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=tmp_path,
        env={**os.environ, "COMP_LINE": "kingdra-run data"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == "[]"
