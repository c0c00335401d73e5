"""The contents of each kind of table: accuracies, seconds, thresholds of the graph."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from kingdra_repro.report.tables.cells import PlannedCell, PlanResults, cell, planned_cells, table
from kingdra_repro.report.tables.paper import display_name, paper_mean_std
from kingdra_repro.reproduce.experiments import experiment as read_experiment

SCORES = ("nmi", "purity", "acc")  # of runs with a part of the labels: one table each
GRAPH = "Graph clustering"
ON_CPU = "on the machine's CPU, with t_pos = t_neg = all models"

# Columns of thresholds.csv, their names in the tables, and the factor to the tables' unit.
FOUND = {
    "n_mini_clusters": ("mini-clusters", 1),
    "n_pseudo_labels": ("pseudo-labels", 1),
    "smallest": ("smallest", 1),
    "purity": ("purity (%)", 100),
}
CONNECTED = {
    "connected_points": ("points joined to all others", 100),
    "connected_pairs": ("pairs joined", 100),
}
NOTHING = pd.DataFrame(columns=["t_pos", "t_neg", "n_models", "folder", *FOUND, *CONNECTED])
MISSING = "run, but without thresholds.csv"


def tables_of(experiment: str, results: PlanResults) -> dict[str, pd.DataFrame]:
    """Make the tables of an experiment in long form, by name; none if it has only a figure."""
    match read_experiment(experiment).kind:
        case "accuracy":
            return {experiment: accuracy_table(experiment, results)}
        case "labels":
            return {
                f"{experiment}_{score}": labels_table(f"{experiment}_{score}", score, experiment, results)
                for score in SCORES
            }
        case "cost":
            return {experiment: cost_table(results)}
        case "thresholds":
            return {
                experiment: thresholds_table(results),
                "fully_connected": fully_connected_table(results),
            }
    return {}


def accuracy_table(experiment: str, results: PlanResults) -> pd.DataFrame:
    """Make a table in percent (mean and standard deviation over seeds) in long form; see `planned_cells`.

    The paper's number is repeated for each batch order, although the paper used file order.
    """
    paper = read_experiment(experiment).paper
    found = []
    for one in planned_cells(experiment, results):
        # Runs of an older version of the code may lack the column.
        known = one.value in one.runs
        values = list(100 * one.runs[one.value].astype(float)) if known else []
        note = one.note
        if len(one.runs) and pd.isna(values).all():
            note = f"run, but {one.value} is not known"
        theirs = paper_mean_std(paper, one.row, one.dataset)
        found.append(_cell(one, display_name(one.dataset), values, theirs, note=note))
    return table(found)


def labels_table(name: str, score: str, experiment: str, results: PlanResults) -> pd.DataFrame:
    """Make a table of one score, in percent, of runs with a part of the labels.

    It has a column for each data set and part: the plan's row "1%: K-means" becomes the row "K-means".
    """
    found = []
    for one in planned_cells(experiment, results):
        part, _, row = one.row.partition(": ")
        column = f"{display_name(one.dataset)}, {part}"
        values = list(100 * one.runs[score].astype(float)) if len(one.runs) else []
        found.append(_cell(one, column, values, paper_mean_std(name, one.row, one.dataset), row=row))
    datasets = dict.fromkeys(run.dataset for run in results.planned if run.experiment == experiment)
    first = {display_name(dataset): place for place, dataset in enumerate(datasets)}
    return table(sorted(found, key=lambda one: first[one["column"].rpartition(", ")[0]]))


def cost_table(results: PlanResults) -> pd.DataFrame:
    """Make a table of wall-clock seconds in long form, with one column per device: devices are not averaged.

    If the plan has the experiment "thresholds", a row is added for the graph alone, with both thresholds at
    all models.
    """
    of_methods = list(planned_cells("cost", results))
    found = []
    for one in of_methods:
        if len(one.runs):
            found += _by_device(one, dict(zip(one.runs["folder"], one.runs[one.value], strict=True)))
    for one in planned_cells("thresholds", results):
        if one.dataset in {method.dataset for method in of_methods}:
            here = [folder for folder in one.runs["folder"] if folder in results.sweeps]
            seconds = {folder: results.sweeps[folder]["seconds"].iloc[0] for folder in here}
            graph = PlannedCell(GRAPH, one.dataset, one.order, one.schedule, "seconds", one.runs, ON_CPU)
            found += _by_device(graph, seconds)
    filled = {(line["row"], line["order"], line["column"]) for line in found}
    columns = list(dict.fromkeys(line["column"] for line in found)) or ["seconds"]
    for one in of_methods:
        for column in columns:
            if (one.row, one.order, column) not in filled:
                paper = paper_mean_std("cost", one.row, one.dataset)
                note = one.note if one.runs.empty else "not run on this device"
                found.append(_cell(one, column, [], paper, runs=one.runs[:0], note=note))
    return table(found)


def _by_device(one: PlannedCell, seconds: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return one cell per device from the seconds of the runs, by folder."""
    paper = paper_mean_std("cost", one.row, one.dataset)
    runs = one.runs[one.runs["folder"].isin(list(seconds))]
    name = display_name(one.dataset)
    return [
        _cell(one, f"{name}, {device}", here["folder"].map(seconds), paper, runs=here)
        for device, here in runs.groupby("device", sort=False)
    ]


def thresholds_table(results: PlanResults) -> pd.DataFrame:
    """Make a table of mini-clusters: a row per data set and pair of thresholds, a column per quantity."""
    found = []
    for one, sweep in _sweeps(results):
        if one.value and sweep.empty:  # one row says why, instead of one per pair
            row = display_name(one.dataset)
            found += [_sweep_cell(one, row, title, sweep, []) for title, _ in FOUND.values()]
            continue
        for t_pos, t_neg in sorted(set(zip(sweep["t_pos"], sweep["t_neg"], strict=True)), reverse=True):
            here = sweep[(sweep["t_pos"] == t_pos) & (sweep["t_neg"] == t_neg)]
            row = f"{display_name(one.dataset)}, t_pos = {t_pos}, t_neg = {t_neg}"
            for column, (title, unit) in FOUND.items():
                found.append(_sweep_cell(one, row, title, here, unit * here[column]))
    return table(found)


def fully_connected_table(results: PlanResults) -> pd.DataFrame:
    """Make a table of how close mini-clusters are to cliques, with both thresholds at 100% or 90% of models.

    "Fully connected" in the paper's Section 4.2.1 can refer to points or to pairs of points, so its number is
    shown next to both.
    """
    found = []
    of_cells = list(_sweeps(results))
    for column, (title, unit) in CONNECTED.items():
        for percent in (100, 90):
            for one, sweep in of_cells:
                both = (sweep["t_pos"] == sweep["t_neg"]) & (
                    100 * sweep["t_pos"] == percent * sweep["n_models"]
                )
                here = sweep[both]
                paper = paper_mean_std("fully_connected", f"{percent}%", one.dataset)
                name = display_name(one.dataset)
                found.append(_sweep_cell(one, f"{percent}%: {title}", name, here, unit * here[column], paper))
    return table(found)


def _sweeps(results: PlanResults) -> Iterator[tuple[PlannedCell, pd.DataFrame]]:
    """Yield each planned cell of the experiment "thresholds" with its runs' sweeps in one DataFrame."""
    for one in planned_cells("thresholds", results):
        here = [
            results.sweeps[folder].assign(folder=folder)
            for folder in one.runs["folder"]
            if folder in results.sweeps
        ]
        yield one, pd.concat(here) if here else NOTHING


def _sweep_cell(
    one: PlannedCell,
    row: str,
    column: str,
    here: pd.DataFrame,
    values: Iterable[float],
    paper: tuple[float | None, float | None] = (None, None),
) -> dict[str, Any]:
    note = MISSING if here.empty and len(one.runs) else one.note
    return _cell(one, column, values, paper, row=row, runs=here, note=note)


def _cell(
    one: PlannedCell,
    column: str,
    values: Iterable[float],
    paper: tuple[float | None, float | None],
    *,
    row: str | None = None,
    runs: pd.DataFrame | None = None,
    note: str | None = None,
) -> dict[str, Any]:
    """Fill a planned cell; row, runs and note default to the cell's own."""
    row, note = one.row if row is None else row, one.note if note is None else note
    folders = list((one.runs if runs is None else runs)["folder"])
    return cell(row, column, one.order, one.schedule, values, paper, note, folders)
