"""The paper's figures, drawn from finished runs, and the figures of each single run."""

from kingdra_repro.report.figures.write import draw_paper_figures, draw_run_figures

__all__ = ["draw_paper_figures", "draw_run_figures"]
