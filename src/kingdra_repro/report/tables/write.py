"""Write all tables: results/tables/<table>.csv, .md and .tex."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from kingdra_repro.files import write_table, write_text
from kingdra_repro.report.tables.captions import caption, title
from kingdra_repro.report.tables.cells import PlanResults
from kingdra_repro.report.tables.kinds import tables_of
from kingdra_repro.report.tables.latex import latex
from kingdra_repro.report.tables.layout import layout
from kingdra_repro.report.tables.markdown import markdown
from kingdra_repro.reproduce.failures import read_failures
from kingdra_repro.reproduce.plan import PlannedRun
from kingdra_repro.reproduce.store import read_thresholds


def write_tables(results: Path, planned: Sequence[PlannedRun], cells: pd.DataFrame) -> None:
    """Write the tables of all experiments in the plan; tables of other experiments are left unchanged.

    `cells` are the finished planned runs, with the columns of runs.csv. failed.csv and thresholds.csv are
    read from results/.
    """
    failed = read_failures(results)
    failures = dict(zip(failed["config_hash"], failed["line"], strict=True))
    plan_results = PlanResults(planned, cells, failures, read_thresholds(results))
    folder = results / "tables"
    folder.mkdir(parents=True, exist_ok=True)
    for experiment in dict.fromkeys(run.experiment for run in planned):
        for name, table in tables_of(experiment, plan_results).items():
            laid_out = layout(table)
            write_table(folder / f"{name}.csv", table)
            write_text(folder / f"{name}.md", markdown(laid_out, title(name), caption(name)))
            write_text(folder / f"{name}.tex", latex(laid_out, title(name), caption(name), name))
