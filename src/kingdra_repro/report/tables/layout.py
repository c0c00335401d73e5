"""Layout of a long-form table as lines and columns of text, shared by Markdown, LaTeX and HTML."""

from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

import pandas as pd

from kingdra_repro.report.tables.captions import ORDERS

PAPER = "the paper"
EMPTY = "–"


@dataclass(frozen=True)
class Entry:
    """The text of a cell, and the numbers it was rounded from.

    Attributes
    ----------
    text : "97.9 (0.3)", or "–" if the cell is empty
    n : number of runs; "" if there are none, or for the paper's line
    difference_text : difference to the paper, such as "+0.6", or ""
    mark : letter of the note below the table, or ""
    paper : the paper's "98.5 (0.4)" for this cell, or ""; Markdown and LaTeX have a separate line of these
    mean, difference_value : the mean, and by how much it is above the paper's; None if unknown
    runs : folders of the runs below results/
    """

    text: str
    n: str = ""
    difference_text: str = ""
    mark: str = ""
    paper: str = ""
    mean: float | None = None
    difference_value: float | None = None
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """A line: its row, the batch order or "", its entries, and whether they are the paper's."""

    row: str
    order: str
    entries: list[Entry]
    is_paper: bool

    @property
    def name(self) -> str:
        """The row, with its batch order if it has one."""
        return f"{self.row}, {self.order}" if self.order else self.row


@dataclass(frozen=True)
class Layout:
    """Column headings, lines, and the notes by their letters."""

    columns: list[str]
    lines: list[Line]
    notes: dict[str, str]


def layout(table: pd.DataFrame) -> Layout:
    """Lay out a long-form table: for each row, one line per order, then the paper's line if it gives numbers.

    Raises ValueError if a cell occurs twice.
    """
    columns = list(dict.fromkeys(table["column"]))
    cells = {(one.row, one.order, one.column): one for one in table.itertuples()}
    if len(cells) < len(table):
        raise ValueError("a cell is there twice")
    marks: dict[str, str] = {}
    lines = []
    for row in dict.fromkeys(table["row"]):
        of_row = table[table["row"] == row]
        for order in dict.fromkeys(of_row["order"]):
            entries = [_entry(cells.get((row, order, column)), marks) for column in columns]
            lines.append(Line(row, ORDERS.get(order, ""), entries, is_paper=False))
        if of_row["paper_mean"].notna().any():
            paper = of_row.drop_duplicates("column").set_index("column").reindex(columns)
            numbers = zip(paper["paper_mean"], paper["paper_std"], strict=True)
            entries = [Entry(_number(mean, std) or EMPTY) for mean, std in numbers]
            lines.append(Line(PAPER, "", entries, is_paper=True))
    return Layout(columns, lines, {mark: note for note, mark in marks.items()})


def _entry(cell: Any, marks: dict[str, str]) -> Entry:
    if cell is None:
        return Entry(EMPTY)
    mark = marks.setdefault(cell.note, _letters(len(marks))) if cell.note else ""
    paper = _number(cell.paper_mean, cell.paper_std)
    if not cell.n:
        return Entry(EMPTY, mark=mark, paper=paper)
    value = None if pd.isna(cell.difference) else cell.difference
    difference = "" if value is None else _signed(value)
    runs = tuple(folder for folder in cell.runs.split(";") if folder)
    text = _number(cell.mean, cell.std)
    return Entry(text, str(cell.n), difference, mark, paper, cell.mean, value, runs)


def _number(mean: float, std: float) -> str:
    """Format as ``97.9 (0.4)``; only the mean if there is no std, "" if there is no mean."""
    if pd.isna(mean):
        return ""
    return _rounded(mean) if pd.isna(std) else f"{_rounded(mean)} ({_rounded(std)})"


def _rounded(number: float) -> str:
    """Round to one decimal; to none from 1,000 on, to two if one would show 0.0."""
    if abs(number) >= 1_000:
        return f"{number:,.0f}"
    return f"{number:.2f}" if 0 < abs(number) < 0.05 else f"{number:.1f}"


def _signed(number: float) -> str:
    """Format a difference with its sign."""
    text = f"{number:+,.0f}" if abs(number) >= 1_000 else f"{number:+.1f}"
    return "±0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def _letters(index: int) -> str:
    """Return a, b, ..., z, aa, ab, ..."""
    before, last = divmod(index, len(ascii_lowercase))
    return (_letters(before - 1) if before else "") + ascii_lowercase[last]
