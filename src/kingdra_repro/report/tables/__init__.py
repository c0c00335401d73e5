"""The paper's tables, ours beside theirs: pure functions of the plan and of the runs that are done."""

from kingdra_repro.report.tables.write import write_tables

__all__ = ["write_tables"]
