"""Which files of results/shown the page and the figures use."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from kingdra_repro.report.figures.histories import shown_runs
from kingdra_repro.report.page.choose_runs import choose_runs
from kingdra_repro.report.tables.cells import read_tables
from kingdra_repro.report.tables.layout import layout
from kingdra_repro.reproduce.plan import PlannedRun
from kingdra_repro.reproduce.store import read_rows

# The file that each figure draws, from the first run of each panel.
FIGURE_FILES = {"figure3": "graph_sample.json", "figure4": "members.npz"}


def runs_to_keep(results: Path, planned: Sequence[PlannedRun], cells: pd.DataFrame) -> dict[str, set[str]]:
    """Return the folders of the runs that are shown, by file name; the tables must already be written.

    The file of a figure that is not in the plan is left out, so all of its copies are kept.
    """
    tables = {name: layout(table) for name, table in read_tables(results).items()}
    chosen = choose_runs(read_rows(results), tables, results)
    found = {"explorer.json": {one["folder"] for runs in chosen.values() for one in runs}}
    for experiment in {run.experiment for run in planned}.intersection(FIGURE_FILES):
        first = {runs["folder"].iloc[0] for _, runs in shown_runs(cells, experiment)}
        found[FIGURE_FILES[experiment]] = first
    return found
