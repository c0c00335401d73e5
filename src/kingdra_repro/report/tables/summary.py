"""Sentences that say how much of a table is filled, and how much of it reaches the paper."""

import pandas as pd

from kingdra_repro.report.tables.captions import ORDERS
from kingdra_repro.report.tables.cells import NOT_IN_FILE_ORDER, NOT_PLANNED

# Batch orders by preference: the paper's numbers are for file order, so runs in file order come first.
COMPARED = ("file", "-", "shuffled", "once")
SEEDS = 5


def summary(table: pd.DataFrame) -> str:
    """Sum up Table 2: how many of the paper's cells have runs, and how many reach its mean minus its std."""
    cells = table[table["paper_mean"].notna()]
    n_cells = len(cells.drop_duplicates(["row", "column"]))
    compared = compared_cells(cells)
    compared = compared[compared["n"] > 0]
    reached = _reached(compared)
    seeds = compared["n"] >= SEEDS
    single = reached & (compared["n"] == 1)
    own = compared["row"].str.startswith("Kingdra")
    sentences = [
        f"{len(compared)} of the paper's {n_cells} cells are filled, {seeds.sum()} of them with {SEEDS} "
        f"seeds or more; {reached.sum()} reach the paper's mean minus its standard deviation, {single.sum()} "
        "of these with a single run.",
        "Runs in file order are compared if there are any, because the paper's are; otherwise those with "
        "shuffled batches.",
    ]
    if own.any():
        short = own & (compared["schedule"] != "published")
        sentences.insert(
            1,
            f"Of the {own.sum()} cells of Kingdra itself {(reached & own).sum()} do; {short.sum()} of the "
            f"{own.sum()} have fewer iterations than the public code.",
        )
    return " ".join(sentences)


def compared_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Select one cell for each row and column: the batch order that is compared with the paper's number.

    Cells with runs are preferred to those without, then orders as in `COMPARED`.
    """
    rank = table["order"].map({order: rank for rank, order in enumerate(COMPARED)})
    ranked = table.assign(empty=table["n"] == 0, rank=rank).sort_values(["empty", "rank"], kind="stable")
    return table.loc[ranked.drop_duplicates(["row", "column"]).index.sort_values()]


def completion_lines(table: pd.DataFrame) -> list[str]:
    """Return how many planned cells are filled and how many reach the paper, one line per batch order."""
    planned = table[~table["note"].isin((NOT_PLANNED, NOT_IN_FILE_ORDER))]
    orders = list(dict.fromkeys(table["order"]))
    lines = []
    for order in orders:
        cells = planned[planned["order"] == order]
        ours = cells[cells["n"] > 0]
        compared = ours[ours["difference"].notna()]
        line = f"{len(ours)} of {len(cells)} cells filled"
        if len(compared):
            good = _reached(compared).sum()
            line += f"; {good} of {len(compared)} at or above the paper's mean minus its std"
        name = ORDERS.get(order, "methods without an order")
        lines.append(f"{name}: {line}" if len(orders) > 1 else line)
    return lines


def _reached(cells: pd.DataFrame) -> pd.Series:
    """Whether each cell is at least the paper's mean minus the paper's std."""
    return cells["difference"] >= -cells["paper_std"].fillna(0) - 1e-9
