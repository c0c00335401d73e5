"""docs/findings.md gives a reason for each cell of Table 2 that is far from the paper, and for no other."""

from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]


def reasons() -> dict[tuple[str, str], str]:
    """Return the table in the section "Cell by cell", as {(row, column): reason}."""
    section = (ROOT / "docs" / "findings.md").read_text().split("## Cell by cell")[1].split("\n## ")[0]
    lines = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("|")]
    columns = [name.strip() for name in lines[0]]
    rows = [[cell.strip() for cell in line] for line in lines[2:]]
    return {
        (row[0], column): cell
        for row in rows
        for column, cell in zip(columns[1:], row[1:], strict=True)
        if cell
    }


def test_each_cell_that_is_far_from_the_papers_has_a_reason():
    table = pd.read_csv(ROOT / "results" / "tables" / "table2.csv")
    table = table[table["paper_mean"].notna() & (table["n"] > 0)]
    # If a cell has results for MNIST in both orders, the paper's result is that in file order.
    file_order = table[table["order"] == "file"].set_index(["row", "column"]).index
    of_paper = (table["order"] != "shuffled") | ~pd.MultiIndex.from_frame(table[["row", "column"]]).isin(
        file_order
    )
    table = table[of_paper]
    far = table["difference"].abs().round(1) > table["paper_std"].fillna(0)
    assert set(table.loc[far, ["row", "column"]].itertuples(index=False, name=None)) == set(reasons())
