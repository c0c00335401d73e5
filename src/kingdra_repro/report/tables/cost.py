"""Seconds of the methods, by device: the paper's C.2."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from kingdra_repro.report.tables.long_form import cell, table
from kingdra_repro.report.tables.paper import display_name, published
from kingdra_repro.report.tables.planned_cells import PlannedCell, planned_cells
from kingdra_repro.report.tables.sweeps import read_sweep

if TYPE_CHECKING:
    from kingdra_repro.reproduce.plan import PlannedRun

GRAPH = "Graph clustering"
ON_CPU = "on the machine's CPU, with t_pos = t_neg = all models"


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
    of_methods = list(planned_cells("cost", planned, cells, failures))
    found = []
    for one in of_methods:
        if len(one.runs):
            found += _by_device(one, dict(zip(one.runs["folder"], one.runs[one.value], strict=True)))
    for one in planned_cells("thresholds", planned, cells, failures):
        if one.dataset in {method.dataset for method in of_methods}:
            sweeps = {folder: read_sweep(results, folder) for folder in one.runs["folder"]}
            seconds = {
                folder: sweep["seconds"].iloc[0] for folder, sweep in sweeps.items() if sweep is not None
            }
            graph = PlannedCell(GRAPH, one.dataset, one.order, one.schedule, "seconds", one.runs, ON_CPU)
            found += _by_device(graph, seconds)
    filled = {(line["row"], line["order"], line["column"]) for line in found}
    columns = list(dict.fromkeys(line["column"] for line in found)) or ["seconds"]
    for one in of_methods:
        for column in columns:
            if (one.row, one.order, column) not in filled:
                paper = published("cost", one.row, one.dataset)
                note = one.note if one.runs.empty else "not run on this device"
                found.append(cell(one.row, column, one.order, one.schedule, [], paper, note, []))
    return table(found)


def _by_device(one: PlannedCell, seconds: Mapping[str, float]) -> list[dict[str, Any]]:
    """A cell for each device, of the seconds of these runs."""
    paper = published("cost", one.row, one.dataset)
    runs = one.runs[one.runs["folder"].isin(list(seconds))]
    return [
        cell(
            one.row,
            f"{display_name(one.dataset)}, {device}",
            one.order,
            one.schedule,
            [seconds[folder] for folder in here["folder"]],
            paper,
            one.note,
            list(here["folder"]),
        )
        for device, here in runs.groupby("device", sort=False)
    ]
