"""results/failed.csv: the runs that failed, and why. A run that succeeds later is removed."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from kingdra_repro.files import file_lock, write_table
from kingdra_repro.reproduce.plan import PlannedRun
from kingdra_repro.reproduce.strict_reading import read_table

PLANNED = ("config_hash", "experiment", "row", "dataset", "order", "schedule", "seed")
FAILED = (*PLANNED, "status", "line", "command")


def note_failure(results: Path, run: PlannedRun, status: int, line: str) -> None:
    """Record that a run failed, replacing an earlier record of the same run.

    The exit `status` is negative if a signal ended the run; `line` says why it failed.
    """
    new = {**{name: getattr(run, name) for name in PLANNED}, "status": status, "line": " ".join(line.split())}
    new["command"] = " ".join(["kingdra-run", *run.overrides])
    with file_lock(results / "runs.csv"):
        known = read_failures(results)
        known = known[known["config_hash"] != run.config_hash]
        _write_failures(results, pd.concat([known, pd.DataFrame([new])], ignore_index=True))


def forget_failures(results: Path, config_hashes: Iterable[str]) -> None:
    """Remove the records of runs that have since succeeded, if there are any."""
    if not (results / "failed.csv").exists():
        return
    with file_lock(results / "runs.csv"):
        known = read_failures(results)
        left = known[~known["config_hash"].isin(list(config_hashes))]
        if len(left) < len(known):
            _write_failures(results, left)


def read_failures(results: Path) -> pd.DataFrame:
    """Return the rows of failed.csv as text; no rows if there is no file."""
    table = read_table(results / "failed.csv", ("config_hash", "line"))
    return pd.DataFrame(columns=list(FAILED)) if table is None else table


def _write_failures(results: Path, rows: pd.DataFrame) -> None:
    path = results / "failed.csv"
    if rows.empty:
        path.unlink(missing_ok=True)
    else:
        write_table(path, rows)
