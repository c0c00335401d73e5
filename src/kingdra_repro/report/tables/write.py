"""All tables as files: results/<table>.csv, .md and .tex."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from kingdra_repro.files import write_text
from kingdra_repro.report.tables.accuracy import accuracy_table
from kingdra_repro.report.tables.captions import caption, title
from kingdra_repro.report.tables.cost import cost_table
from kingdra_repro.report.tables.latex import latex
from kingdra_repro.report.tables.layout import layout
from kingdra_repro.report.tables.markdown import markdown
from kingdra_repro.report.tables.sweeps import fully_connected_table, thresholds_table
from kingdra_repro.reproduce.experiments import experiment

if TYPE_CHECKING:
    from kingdra_repro.reproduce.plan import PlannedRun


def write_tables(results: Path, planned: "Sequence[PlannedRun]", cells: pd.DataFrame) -> None:
    """Write the tables of all experiments in the plan; those of other experiments stay as they are.

    Parameters
    ----------
    results : Path
        The folder results/: files go there, and what tables are made of beyond `cells` is read there
        (failed.csv, and thresholds.csv in the folders of runs).
    planned : list of PlannedRun, done or not
    cells : DataFrame, those that are done, with the columns of runs.csv
    """
    failures = _failures(results)
    for name in dict.fromkeys(run.experiment for run in planned):
        match experiment(name).kind:
            case "accuracy":
                _write(results, name, accuracy_table(name, planned, cells, failures))
            case "cost":
                _write(results, name, cost_table(results, planned, cells, failures))
            case "thresholds":
                _write(results, name, thresholds_table(results, planned, cells, failures))
                table = fully_connected_table(results, planned, cells, failures)
                _write(results, "fully_connected", table)


def _write(results: Path, name: str, table: pd.DataFrame) -> None:
    laid_out = layout(table)
    write_text(results / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
    write_text(results / f"{name}.md", markdown(laid_out, title(name), caption(name)))
    write_text(results / f"{name}.tex", latex(laid_out, title(name), caption(name), name))


def _failures(results: Path) -> dict[str, str]:
    """From config_hash to what the run said last."""
    path = results / "failed.csv"
    if not path.exists():
        return {}
    failed = pd.read_csv(path, dtype=str, keep_default_na=False)
    return dict(zip(failed["config_hash"], failed["line"], strict=True))
