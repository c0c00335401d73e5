"""The paper's figures, drawn from the runs that are done."""

from kingdra_repro.report.figures.write import draw

__all__ = ["draw"]
