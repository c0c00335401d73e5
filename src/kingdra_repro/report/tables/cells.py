"""The cells of all tables in long form: one row per cell, with the runs behind it."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kingdra_repro.report.tables.captions import table_names
from kingdra_repro.reproduce.plan import PlannedRun
from kingdra_repro.runs.reading import reporting_damage

COLUMNS = [
    *("row", "column", "order", "schedule", "mean", "std", "n"),
    *("paper_mean", "paper_std", "difference", "note", "runs"),
]
NUMBERS = ["mean", "std", "paper_mean", "paper_std", "difference"]

# Settings that affect only methods with iterations, and not their values named first_phase_...
AFTER_FIRST_PHASE = ("training.iterations", "training.epochs")
WITH_ITERATIONS = ("method=kingdra", "method=kingdra_plus")
# Why a cell has no runs. File order is left out if it would give the classes away.
NOT_PLANNED = "not planned"
NOT_IN_FILE_ORDER = "not run in file order: the rows are sorted by class"


def cell(
    row: str,
    column: str,
    order: str,
    schedule: str,
    values: Iterable[float],
    paper: tuple[float | None, float | None],
    note: str,
    runs: Sequence[str],
) -> dict[str, Any]:
    """Return one cell, with the keys `COLUMNS`.

    Parameters
    ----------
    order, schedule : "-" if there is no choice, or no run
    values : one per run, in the table's unit; missing values do not count
    paper : mean and standard deviation, or None
    note : why the cell is empty, or what is special about it
    runs : folders below results/

    Returns
    -------
    dict, whose ``std`` divides by n - 1 and is None for a single run
    """
    known = np.array([value for value in values if not pd.isna(value)], dtype=np.float64)
    mean = float(known.mean()) if len(known) else None
    return {
        "row": row,
        "column": column,
        "order": order,
        "schedule": schedule,
        "mean": mean,
        "std": float(known.std(ddof=1)) if len(known) > 1 else None,
        "n": len(known),
        "paper_mean": paper[0],
        "paper_std": paper[1],
        "difference": None if mean is None or paper[0] is None else mean - paper[0],
        "note": note,
        "runs": ";".join(runs),
    }


def table(cells: Iterable[Mapping[Any, Any]]) -> pd.DataFrame:
    """Return the cells as a DataFrame, with numbers as float64 and NaN for missing ones."""
    frame = pd.DataFrame(list(cells), columns=COLUMNS)
    return frame.astype(dict.fromkeys(NUMBERS, np.float64) | {"n": np.int64})


def read_tables(results: Path) -> dict[str, pd.DataFrame]:
    """Read all tables of a results folder, bit for bit as `table` returned them.

    These are the .csv files with its columns. Returned by name, in the order in which a report shows them;
    tables that no experiment makes come last. Raises InputError if a file is damaged.
    """
    found = {}
    for path in sorted(results.glob("tables/*.csv")):
        with reporting_damage(path):
            with path.open(newline="", encoding="utf-8") as file:
                is_table = set(COLUMNS) <= set(next(csv.reader(file), []))
            if is_table:
                text = pd.read_csv(path, dtype=str, keep_default_na=False)[COLUMNS]
                text[NUMBERS] = text[NUMBERS].replace("", "nan")
                found[path.stem] = table(text.to_dict("records"))
    known = table_names()
    order = [*(name for name in known if name in found), *(name for name in found if name not in known)]
    return {name: found[name] for name in order}


@dataclass(frozen=True)
class PlanResults:
    """The plan and its finished runs: the input of all tables.

    Attributes
    ----------
    cells : the finished planned runs, with the fields of `PlannedRun` except the overrides
    failures : from config_hash to the last line that a failed run printed
    sweeps : from a run's folder to its thresholds.csv
    """

    planned: Sequence[PlannedRun]
    cells: pd.DataFrame
    failures: Mapping[str, str] = field(default_factory=dict)
    sweeps: Mapping[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedCell:
    """A cell and its runs.

    Attributes
    ----------
    schedule : "published" if there are such runs, else "short"; "-" if there are no runs
    value : the column of the runs that fills the cell
    runs : only the runs with this schedule, as rows of `PlanResults.cells`
    note : why there are no runs; or what their schedule shortens, in how many runs iterations used
        pseudo-labels other than those of the given thresholds, and whether the runs' features differ
    """

    row: str
    dataset: str
    order: str
    schedule: str
    value: str
    runs: pd.DataFrame
    note: str


def planned_cells(experiment: str, results: PlanResults) -> Iterator[PlannedCell]:
    """Yield a cell for each combination of row, order and data set, in the plan's order.

    Runs with the published schedule and with a shorter one are never mixed: if there are published ones, the
    others are left out.
    """
    mine = [run for run in results.planned if run.experiment == experiment]
    of_cell: dict[tuple[str, str, str], list[PlannedRun]] = {}
    for run in mine:
        of_cell.setdefault((run.row, run.order, run.dataset), []).append(run)
    datasets = list(dict.fromkeys(run.dataset for run in mine))
    finished = results.cells[results.cells["experiment"] == experiment]
    for row, order in dict.fromkeys((run.row, run.order) for run in mine):
        for dataset in datasets:
            runs = of_cell.get((row, order, dataset))
            if runs is None:
                why = NOT_IN_FILE_ORDER if order == "file" else NOT_PLANNED
                yield PlannedCell(row, dataset, order, "-", "", finished[:0], why)
                continue
            here = finished[
                (finished["row"] == row) & (finished["order"] == order) & (finished["dataset"] == dataset)
            ]
            schedule = shown_schedule(here["schedule"])
            note = _why_empty(runs, results.failures) if schedule == "-" else _shortened(runs, schedule)
            here = here[here["schedule"] == schedule]
            remarks = (note, _of_rules(here, runs[0].value), _of_features(here))
            note = "; ".join(remark for remark in remarks if remark)
            yield PlannedCell(row, dataset, order, schedule, runs[0].value, here, note)


def shown_schedule(schedules: Iterable[str]) -> str:
    """Return "published" if it is among the schedules, else the first of them; "-" if there are none."""
    schedules = list(schedules)
    if "published" in schedules:
        return "published"
    return schedules[0] if schedules else "-"


def _shortened(runs: list[PlannedRun], schedule: str) -> str:
    """Return a note of the overrides that differ from the published schedule and affect the value."""
    if schedule == "published":
        return ""
    published = {one for run in runs if run.schedule == "published" for one in run.overrides}
    short = next(run.overrides for run in runs if run.schedule == schedule)
    changed = [one for one in short if one not in published and not one.startswith("seed=")]
    if runs[0].value.startswith("first_phase_") or not set(WITH_ITERATIONS) & set(short):
        changed = [one for one in changed if one.partition("=")[0] not in AFTER_FIRST_PHASE]
    return f"{schedule} schedule: {' '.join(changed)}" if changed else ""


def _of_rules(runs: pd.DataFrame, value: str) -> str:
    """Note in how many runs iterations did not train on the pseudo-labels of the given thresholds."""
    if "rules" not in runs or value.startswith("first_phase_"):
        return ""
    rules = [set(str(one).split("+")) for one in runs["rules"].dropna()]
    told = {
        "thresholds relaxed": sum("relaxed" in one for one in rules),
        "no iteration with pseudo-labels": sum(one == {"unsupervised"} for one in rules),
        "some iterations without pseudo-labels": sum({"unsupervised"} < one for one in rules),
    }
    return "; ".join(f"{what} in {n} of {len(runs)} runs" for what, n in told.items() if n)


def _of_features(runs: pd.DataFrame) -> str:
    """Note the checksums of the runs' feature matrices if they differ."""
    known = sorted(set(runs["features"].dropna())) if "features" in runs else []
    return f"features differ between the runs: {', '.join(known)}" if len(known) > 1 else ""


def _why_empty(runs: list[PlannedRun], failures: Mapping[str, str]) -> str:
    lines = dict.fromkeys(failures[run.config_hash] for run in runs if run.config_hash in failures)
    return f"failed: {' / '.join(lines)}" if lines else "not run"
