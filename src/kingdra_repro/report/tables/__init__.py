"""The paper's tables with our numbers next to theirs: pure functions of the plan and the finished runs."""

from kingdra_repro.report.tables.write import write_tables

__all__ = ["write_tables"]
