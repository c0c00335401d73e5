"""report.html: a self-contained page of all results or of one run."""

from kingdra_repro.report.page.report import write_report, write_run_report

__all__ = ["write_report", "write_run_report"]
