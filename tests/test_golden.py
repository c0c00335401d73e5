"""Hashes, plan, parameters and losses are those in tests/golden; tables are those in results/tables.

After an intended change, `python -m scripts.golden` regenerates tests/golden.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kingdra_repro.report.tables import write_tables
from kingdra_repro.reproduce.plan import PlannedRun, join_results
from kingdra_repro.reproduce.store import read_runs
from scripts import golden

RESULTS = golden.ROOT / "results"
KNOWN = pd.read_csv(golden.GOLDEN / "hashes.csv", dtype=str, keep_default_na=False)
HASHES = {(row.dataset, row.base, row.choice): row.config_hash for row in KNOWN.itertuples()}
# Settings depend on pairs: (base, data set), (pseudo-labels, data set), (method, base). These 72 of the 504
# cells contain every pair; 8 more contain every method without a base and every data set.
DATASETS, BASES = (list(dict.fromkeys(KNOWN[name])) for name in ("dataset", "base"))
EVERY_PAIR = [
    (dataset, base, choices[(i + j) % len(choices)])
    for i, dataset in enumerate(DATASETS)
    for j, base in enumerate(BASES)
    for choices in [golden.WITHOUT_BASE if base == "-" else list(golden.CHOICES)]
]


def known(name: str) -> dict:
    return json.loads((golden.GOLDEN / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def planned() -> list[PlannedRun]:
    return golden.whole_plan()


def test_each_choice_of_the_command_line_has_a_hash_that_is_known():
    assert list(HASHES) == golden.cells()
    assert len([cell for cell in HASHES if cell[1] != "-"]) >= 504


def test_hashes_by_which_runs_are_found_again_stay():
    assert dict(golden.hashes(EVERY_PAIR)) == {cell: HASHES[cell] for cell in EVERY_PAIR}


@pytest.mark.slow
def test_all_hashes_stay():
    assert dict(golden.hashes(HASHES)) == HASHES


def test_the_plan_stays(planned):
    ours, before = golden.plan_summary(planned), known("plan")
    for name in ("committed_runs_in_plan", "cells_with_a_run"):  # they grow with each committed run
        assert ours.pop(name) >= before.pop(name), name
    assert ours == before


def test_parameters_and_defaults_of_estimators_stay():
    assert golden.params() == known("params")


def test_losses_stay():
    """Losses are bitwise equal on the same machine; on other CPUs, rounding errors grow with the steps."""
    before = known("losses")
    first, all_steps = (0, 0) if before["machine"] == golden.machine() else (5e-4, 5e-3)
    for name, losses in golden.losses().items():
        wanted = before["losses"][name]
        np.testing.assert_allclose(losses[:5], wanted[:5], rtol=first, atol=0, err_msg=name)
        np.testing.assert_allclose(losses, wanted, rtol=all_steps, atol=0, err_msg=name)


def test_tables_made_anew_are_the_committed_ones(planned, tmp_path):
    for name in ("runs.csv", "thresholds.csv"):
        (tmp_path / name).symlink_to(RESULTS / name)
    write_tables(tmp_path, planned, join_results(planned, read_runs(RESULTS)))
    made = sorted(path.name for path in (tmp_path / "tables").iterdir())
    assert made == sorted(tables(RESULTS))
    changed = [
        name
        for name in made
        if (tmp_path / "tables" / name).read_bytes() != (RESULTS / "tables" / name).read_bytes()
    ]
    assert changed == []


def tables(results: Path) -> list[str]:
    """Return the file names of the committed tables, each in three formats."""
    names = [path.stem for path in results.glob("tables/*.tex")]
    return [f"{name}.{form}" for name in names for form in ("csv", "md", "tex")]
