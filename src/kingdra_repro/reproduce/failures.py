"""results/failed.csv: runs that failed, with the last line of each. One that succeeds is taken off."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from kingdra_repro.files import write_text
from kingdra_repro.reproduce.plan import PlannedRun

PLANNED = ("config_hash", "experiment", "row", "dataset", "order", "schedule", "seed")
COLUMNS = (*PLANNED, "status", "line", "command")


def note(results: Path, run: PlannedRun, status: int, line: str) -> None:
    """Note that a run failed, in place of an earlier note of the same run.

    Parameters
    ----------
    results : Path
    run : PlannedRun
    status : int
        Exit status; negative: the signal that ended it.
    line : str
        What it said last.
    """
    known = read_failures(results)
    known = known[known["config_hash"] != run.config_hash]
    new = {**{name: getattr(run, name) for name in PLANNED}, "status": status, "line": line}
    new["command"] = " ".join(["kingdra-run", *run.overrides])
    _write(results, pd.concat([known, pd.DataFrame([new])], ignore_index=True))


def forget(results: Path, config_hashes: Iterable[str]) -> None:
    """These runs succeeded; nothing where none of them was noted."""
    known = read_failures(results)
    left = known[~known["config_hash"].isin(list(config_hashes))]
    if len(left) < len(known):
        _write(results, left)


def read_failures(results: Path) -> pd.DataFrame:
    """The rows of failed.csv; none where there is no file."""
    path = results / "failed.csv"
    if not path.exists():
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.read_csv(path, dtype={"config_hash": str, "order": str})


def _write(results: Path, rows: pd.DataFrame) -> None:
    path = results / "failed.csv"
    if rows.empty:
        path.unlink(missing_ok=True)
    else:
        write_text(path, rows.to_csv(index=False, lineterminator="\n"))
