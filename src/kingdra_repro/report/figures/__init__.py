"""The paper's figures, drawn from the runs that are done, and those of each run."""

from kingdra_repro.report.figures.write import draw_paper_figures, draw_run_figures

__all__ = ["draw_paper_figures", "draw_run_figures"]
