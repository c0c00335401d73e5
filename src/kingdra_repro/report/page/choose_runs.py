"""Choice of the runs whose clusters the page of a results folder shows: each adds about 100 KB."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kingdra_repro.report.page.runs import run_name
from kingdra_repro.report.tables.captions import title
from kingdra_repro.report.tables.layout import Layout
from kingdra_repro.reproduce.store import shown_file
from kingdra_repro.runs.reading import read_shown

EXPLORERS = 6  # at most, per data set
METHOD_TABLES = ("table2", "digits")  # tables that have a row for each method


def choose_runs(
    rows: Sequence[Mapping[str, str]], tables: Mapping[str, Layout], results: Path
) -> dict[str, list[dict[str, Any]]]:
    """Choose the runs whose clusters the page shows, by data set.

    For each table cell, the run with the lowest seed (not the best run: choosing it would need labels); for a
    data set that is in no table, all runs. Kingdra's runs come first, and later table rows before earlier
    ones. Runs without an explorer.json are left out.

    Parameters
    ----------
    rows : rows of runs.csv
    tables : by name, in the order in which they are shown

    Returns
    -------
    dict from data set to a list of ``{"folder": ..., "name": ..., "explorer": ...}``, at most `EXPLORERS`
    """
    seeds = {row["folder"]: int(float(row["seed"])) for row in rows}
    datasets = {row["folder"]: row["dataset"] for row in rows}
    others = {row["folder"] for row in rows if not row["method"].startswith("kingdra")}
    has_explorer = {folder for folder in seeds if shown_file(results, folder, "explorer.json").exists()}
    names: dict[str, str] = {}
    for name, folders in _of_cells(tables):
        if here := sorted(has_explorer.intersection(folders), key=lambda folder: (seeds[folder], folder)):
            names.setdefault(here[0], f"{name}, seed {seeds[here[0]]}")
    in_tables = {datasets[folder] for folder in names}
    for row in sorted(rows, key=lambda row: seeds[row["folder"]]):
        if row["folder"] in has_explorer and row["dataset"] not in in_tables:
            names[row["folder"]] = run_name(row)
    found: dict[str, list[dict[str, Any]]] = {}
    for folder, name in sorted(names.items(), key=lambda run: run[0] in others):
        of_dataset = found.setdefault(datasets[folder], [])
        if len(of_dataset) < EXPLORERS:
            explorer = read_shown(shown_file(results, folder, "explorer.json").parent, "explorer.json")
            of_dataset.append({"folder": folder, "name": name, "explorer": explorer})
    return dict(sorted(found.items()))


def _of_cells(tables: Mapping[str, Layout]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the row name and runs of each filled cell: method tables first, the last row of a table first."""
    for name, table in sorted(tables.items(), key=lambda one: one[0] not in METHOD_TABLES):
        of_table = "" if name in METHOD_TABLES else f"{title(name)}: "
        for line in reversed(table.lines):
            for entry in line.entries:
                if entry.runs:
                    yield f"{of_table}{line.name}", entry.runs
