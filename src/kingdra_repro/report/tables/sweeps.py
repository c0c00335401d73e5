"""Tables of the graph's thresholds, from the thresholds.csv that runs left."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from kingdra_repro.report.tables.long_form import cell, table
from kingdra_repro.report.tables.paper import display_name, published
from kingdra_repro.report.tables.planned_cells import PlannedCell, planned_cells

if TYPE_CHECKING:
    from kingdra_repro.reproduce.plan import PlannedRun

# Columns of thresholds.csv, what the tables call them, and their unit there.
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


def read_sweep(results: Path, folder: str) -> pd.DataFrame | None:
    """thresholds.csv of a run; None where it has none."""
    path = results / folder / "thresholds.csv"
    return pd.read_csv(path) if path.exists() else None


def thresholds_table(
    results: Path,
    planned: "Sequence[PlannedRun]",
    cells: pd.DataFrame,
    failures: Mapping[str, str],
) -> pd.DataFrame:
    """Mini-clusters under all thresholds tried: a row a data set and pair of them, a column a quantity."""
    found = []
    for one, sweep in _sweeps(results, planned, cells, failures):
        if one.value and sweep.empty:  # one line says why, not one for each pair
            found += [_cell(display_name(one.dataset), title, one, sweep, []) for title, _ in FOUND.values()]
            continue
        for t_pos, t_neg in sorted(set(zip(sweep["t_pos"], sweep["t_neg"], strict=True)), reverse=True):
            here = sweep[(sweep["t_pos"] == t_pos) & (sweep["t_neg"] == t_neg)]
            row = f"{display_name(one.dataset)}, t_pos = {t_pos}, t_neg = {t_neg}"
            for column, (title, unit) in FOUND.items():
                found.append(_cell(row, title, one, here, unit * here[column]))
    return table(found)


def fully_connected_table(
    results: Path,
    planned: "Sequence[PlannedRun]",
    cells: pd.DataFrame,
    failures: Mapping[str, str],
) -> pd.DataFrame:
    """How nearly mini-clusters are cliques where both thresholds are 100% or 90% of the models.

    "Fully connected" of the paper's Section 4.2.1 can mean points or pairs of them: its number stands beside
    both.
    """
    found = []
    sweeps = list(_sweeps(results, planned, cells, failures))
    for column, (title, unit) in CONNECTED.items():
        for percent in (100, 90):
            for one, sweep in sweeps:
                both = (sweep["t_pos"] == sweep["t_neg"]) & (
                    100 * sweep["t_pos"] == percent * sweep["n_models"]
                )
                here = sweep[both]
                paper = published("fully_connected", f"{percent}%", one.dataset)
                row = f"{percent}%: {title}"
                found.append(_cell(row, display_name(one.dataset), one, here, unit * here[column], paper))
    return table(found)


def _sweeps(
    results: Path,
    planned: "Sequence[PlannedRun]",
    cells: pd.DataFrame,
    failures: Mapping[str, str],
) -> Iterator[tuple[PlannedCell, pd.DataFrame]]:
    """Each planned cell of the experiment "thresholds", with the sweeps of its runs in one frame."""
    for one in planned_cells("thresholds", planned, cells, failures):
        read = [(folder, read_sweep(results, folder)) for folder in one.runs["folder"]]
        sweeps = [sweep.assign(folder=folder) for folder, sweep in read if sweep is not None]
        yield one, pd.concat(sweeps) if sweeps else NOTHING


def _cell(
    row: str,
    column: str,
    one: PlannedCell,
    here: pd.DataFrame,
    values: Iterable[float],
    paper: tuple[float | None, float | None] = (None, None),
) -> dict[str, Any]:
    note = MISSING if here.empty and len(one.runs) else one.note
    return cell(row, column, one.order, one.schedule, values, paper, note, list(here["folder"]))
