"""kingdra-run in a process with other settings of torch, NumPy and scikit-learn."""

import shutil
from pathlib import Path

import numpy as np
import torch

from tests.methods.test_library_state import another_state
from tests.programs.conftest import CUSTOM


def test_a_run_comes_to_the_same(kingdra_run, features, tmp_path: Path) -> None:
    found = []
    for state in (None, another_state(torch.no_grad())):
        shutil.rmtree(tmp_path / "outputs", ignore_errors=True)
        if state is None:
            assert kingdra_run(*CUSTOM, "n_clusters=2").status == 0
        else:
            with state:
                assert kingdra_run(*CUSTOM, "n_clusters=2").status == 0
        (labels,) = tmp_path.rglob("labels.npy")
        found.append(np.load(labels))
    np.testing.assert_array_equal(*found)
