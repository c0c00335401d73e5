"""Table 2 in a sentence."""

import pandas as pd

# The paper's numbers are of file order: where there are runs of it, they are what is compared.
COMPARED = ("file", "-", "shuffled", "once")
SEEDS = 5


def summary(table: pd.DataFrame) -> str:
    """How many of the paper's cells have runs, and how many of these reach its mean less its deviation.

    Parameters
    ----------
    table : DataFrame in the long form

    Returns
    -------
    str, one paragraph
    """
    cells = table[table["paper_mean"].notna()]
    n_cells = len(cells.drop_duplicates(["row", "column"]))
    rank = cells["order"].map({order: rank for rank, order in enumerate(COMPARED)})
    filled = cells.assign(rank=rank)[cells["n"] > 0].sort_values("rank", kind="stable")
    compared = filled.drop_duplicates(["row", "column"])
    reached = compared["difference"] >= -compared["paper_std"].fillna(0) - 1e-9
    seeds = compared["n"] >= SEEDS
    single = reached & (compared["n"] == 1)
    own = compared["row"].str.startswith("Kingdra")
    sentences = [
        f"{len(compared)} of the paper's {n_cells} cells are filled, {seeds.sum()} of them with {SEEDS} "
        f"seeds or more; {reached.sum()} reach the paper's mean less its standard deviation, {single.sum()} "
        "of these with a single run.",
        "Where there are runs in file order, as the paper's, these are compared, otherwise those with "
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
