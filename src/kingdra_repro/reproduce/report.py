"""Tables, figures and the page, from what is in results/."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from kingdra_repro.reproduce.plan import PlannedRun, matched
from kingdra_repro.reproduce.registry import read_runs


def write_reports(results: Path, planned: Sequence[PlannedRun]) -> None:
    """Write all of them anew.

    Parameters
    ----------
    results : Path
    planned : list of PlannedRun
        The whole plan: what is not run yet is an empty cell.
    """
    cells = matched(planned, read_runs(results))
    if find_spec("kingdra_repro.tables"):
        import_module("kingdra_repro.tables").write_tables(results, list(planned), cells)
    if find_spec("kingdra_repro.figures"):
        import_module("kingdra_repro.figures").draw(results, cells)
    if find_spec("kingdra_repro.page"):
        import_module("kingdra_repro.page").write_report(results)
