"""Tables of rows x data sets: Table 1, Table 2, the number of models, the order of the batches."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from kingdra_repro.report.tables.long_form import cell, table
from kingdra_repro.report.tables.paper import display_name, published
from kingdra_repro.report.tables.planned_cells import planned_cells
from kingdra_repro.reproduce import experiments

if TYPE_CHECKING:
    from kingdra_repro.reproduce.plan import PlannedRun


def accuracy_table(
    experiment: str,
    planned: "Sequence[PlannedRun]",
    cells: pd.DataFrame,
    failures: Mapping[str, str],
) -> pd.DataFrame:
    """Percent, mean and standard deviation over seeds, in the long form; see `planned_cells`.

    The paper's number stands beside each order of the batches, though its own was the file's.
    """
    paper = experiments.experiment(experiment).paper
    found = []
    for one in planned_cells(experiment, planned, cells, failures):
        # A run of an older version of the code may lack the column.
        known = one.value in one.runs
        values = list(100 * one.runs[one.value].astype(float)) if known else []
        note = one.note
        if len(one.runs) and pd.isna(values).all():
            note = f"run, but {one.value} is not known"
        place = (one.row, display_name(one.dataset), one.order, one.schedule)
        found.append(
            cell(*place, values, published(paper, one.row, one.dataset), note, list(one.runs["folder"]))
        )
    return table(found)
