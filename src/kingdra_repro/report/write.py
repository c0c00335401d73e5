"""Tables, figures and the page, from what is in results/."""

from collections.abc import Sequence
from pathlib import Path

from kingdra_repro.reproduce.plan import PlannedRun, matched
from kingdra_repro.reproduce.registry import read_runs


def write_reports(results: Path, planned: Sequence[PlannedRun]) -> None:
    """Write all of them anew; the page where there is a run.

    Parameters
    ----------
    results : Path
    planned : list of PlannedRun
        The whole plan: what is not run yet is an empty cell.
    """
    # matplotlib and more, needed at the end alone.
    from kingdra_repro.report.figures import draw_paper_figures
    from kingdra_repro.report.page import write_report
    from kingdra_repro.report.tables import write_tables

    results.mkdir(parents=True, exist_ok=True)
    runs = read_runs(results)
    cells = matched(planned, runs)
    write_tables(results, list(planned), cells)
    draw_paper_figures(results, cells)
    if not runs.empty:
        write_report(results)
