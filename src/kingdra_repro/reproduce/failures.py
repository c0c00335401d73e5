"""results/failed.csv: runs that failed, and why; one that succeeds is taken off."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from kingdra_repro.files import file_lock, write_table
from kingdra_repro.reproduce.plan import PlannedRun
from kingdra_repro.reproduce.strict_reading import read_table

PLANNED = ("config_hash", "experiment", "row", "dataset", "order", "schedule", "seed")
FAILED = (*PLANNED, "status", "line", "command")


def note_failure(results: Path, run: PlannedRun, status: int, line: str) -> None:
    """Note that a run failed, in place of an earlier note of the same run.

    The exit status is negative where a signal ended it; the line is what it said last.
    """
    new = {**{name: getattr(run, name) for name in PLANNED}, "status": status, "line": " ".join(line.split())}
    new["command"] = " ".join(["kingdra-run", *run.overrides])
    with file_lock(results / "runs.csv"):
        known = read_failures(results)
        known = known[known["config_hash"] != run.config_hash]
        _write_failures(results, pd.concat([known, pd.DataFrame([new])], ignore_index=True))


def forget_failures(results: Path, config_hashes: Iterable[str]) -> None:
    """Forget those of runs that succeeded; nothing where none of them was noted."""
    if not (results / "failed.csv").exists():
        return
    with file_lock(results / "runs.csv"):
        known = read_failures(results)
        left = known[~known["config_hash"].isin(list(config_hashes))]
        if len(left) < len(known):
            _write_failures(results, left)


def read_failures(results: Path) -> pd.DataFrame:
    """Return the rows of failed.csv, as text; none where there is no file."""
    table = read_table(results / "failed.csv", ("config_hash", "line"))
    return pd.DataFrame(columns=list(FAILED)) if table is None else table


def _write_failures(results: Path, rows: pd.DataFrame) -> None:
    path = results / "failed.csv"
    if rows.empty:
        path.unlink(missing_ok=True)
    else:
        write_table(path, rows)
