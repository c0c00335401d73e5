"""Seconds of the methods, by device: the paper's C.2."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from kingdra_repro.tables.long_form import cell, table
from kingdra_repro.tables.paper import display_name, published
from kingdra_repro.tables.planned_cells import PlannedCell, planned_cells
from kingdra_repro.tables.sweeps import read_sweep

if TYPE_CHECKING:
    from kingdra_repro.reproduce.plan import PlannedRun

GRAPH = "Graph clustering"
ON_CPU = "on one core of the machine's CPU, with t_pos = t_neg = all models"


def cost_table(
    results: Path,
    planned: "Sequence[PlannedRun]",
    cells: pd.DataFrame,
    failures: Mapping[str, str],
) -> pd.DataFrame:
    """Wall seconds in the long form, a column for each device: different ones are not averaged.

    Where the plan has the experiment "thresholds", a row is added for the graph alone with all models as
    thresholds.
    """
    found = [
        line
        for one in planned_cells("cost", planned, cells, failures)
        for line in _by_device(one, dict(zip(one.runs["folder"], one.runs.get(one.value, []), strict=True)))
    ]
    datasets = {run.dataset for run in planned if run.experiment == "cost"}
    for one in planned_cells("thresholds", planned, cells, failures):
        if one.dataset not in datasets:
            continue
        sweeps = {folder: read_sweep(results, folder) for folder in one.runs["folder"]}
        seconds = {folder: s["seconds"].iloc[0] for folder, s in sweeps.items() if s is not None}
        graph = PlannedCell(GRAPH, one.dataset, one.order, one.schedule, "seconds", one.runs, ON_CPU)
        found += _by_device(graph, seconds) if seconds else []
    return table(found)


def _by_device(one: PlannedCell, seconds: Mapping[str, float]) -> list[dict[str, Any]]:
    paper = published("cost", one.row, one.dataset)
    name = display_name(one.dataset)
    if not seconds:
        return [cell(one.row, name, one.order, one.schedule, [], paper, one.note, [])]
    runs = one.runs[one.runs["folder"].isin(list(seconds))]
    return [
        cell(
            one.row,
            f"{name}, {device}",
            one.order,
            one.schedule,
            [seconds[folder] for folder in here["folder"]],
            paper,
            one.note,
            list(here["folder"]),
        )
        for device, here in runs.groupby("device", sort=False)
    ]
