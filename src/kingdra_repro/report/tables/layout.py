"""A table in the long form as lines and columns of text, before it is Markdown or LaTeX."""

from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

import pandas as pd

from kingdra_repro.report.tables.captions import ORDERS

PAPER = "the paper"
EMPTY = "–"


@dataclass(frozen=True)
class Entry:
    """The text of a cell.

    Attributes
    ----------
    text : "97.9 (0.3)", or "–" where it is empty
    n : number of runs, "" where there is none or it is the paper's
    difference : "+0.6" to the paper, or ""
    mark : letter of the note below the table, or ""
    """

    text: str
    n: str = ""
    difference: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Line:
    """A line: its name, its entries, and whether they are the paper's."""

    name: str
    entries: list[Entry]
    of_paper: bool


@dataclass(frozen=True)
class Layout:
    """Headings of the columns, the lines, and the notes by their letters."""

    columns: list[str]
    lines: list[Line]
    notes: dict[str, str]


def layout(table: pd.DataFrame) -> Layout:
    """A line for each row and order of the batches; below a row's lines the paper's, where it has numbers.

    Parameters
    ----------
    table : DataFrame in the long form
    """
    columns = list(dict.fromkeys(table["column"]))
    cells = {(one.row, one.order, one.column): one for one in table.itertuples()}
    assert len(cells) == len(table), "a cell is there twice"
    marks: dict[str, str] = {}
    lines = []
    for row in dict.fromkeys(table["row"]):
        of_row = table[table["row"] == row]
        for order in dict.fromkeys(of_row["order"]):
            name = f"{row}, {ORDERS[order]}" if order in ORDERS else row
            entries = [_entry(cells.get((row, order, column)), marks) for column in columns]
            lines.append(Line(name, entries, of_paper=False))
        if of_row["paper_mean"].notna().any():
            paper = of_row.drop_duplicates("column").set_index("column").reindex(columns)
            numbers = zip(paper["paper_mean"], paper["paper_std"], strict=True)
            lines.append(Line(PAPER, [Entry(_number(mean, std)) for mean, std in numbers], of_paper=True))
    return Layout(columns, lines, {mark: note for note, mark in marks.items()})


def _entry(cell: Any, marks: dict[str, str]) -> Entry:
    if cell is None:
        return Entry(EMPTY)
    mark = marks.setdefault(cell.note, letters(len(marks))) if cell.note else ""
    if not cell.n:
        return Entry(EMPTY, mark=mark)
    difference = "" if pd.isna(cell.difference) else signed(cell.difference)
    return Entry(_number(cell.mean, cell.std), str(cell.n), difference, mark)


def _number(mean: float, std: float) -> str:
    if pd.isna(mean):
        return EMPTY
    if pd.isna(std):
        return rounded(mean)
    return f"{rounded(mean)} ({rounded(std)})"


def rounded(number: float) -> str:
    """One decimal; none from 1,000 on, two where one would show nothing."""
    if abs(number) >= 1_000:
        return f"{number:,.0f}"
    return f"{number:.2f}" if 0 < abs(number) < 0.05 else f"{number:.1f}"


def signed(number: float) -> str:
    """A difference, with its sign."""
    text = f"{number:+,.0f}" if abs(number) >= 1_000 else f"{number:+.1f}"
    return "±0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def letters(index: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    before, last = divmod(index, len(ascii_lowercase))
    return (letters(before - 1) if before else "") + ascii_lowercase[last]
