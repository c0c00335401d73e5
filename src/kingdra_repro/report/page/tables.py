"""The long-form tables of results/, read: one `Cell` a line."""

import csv
from dataclasses import dataclass
from pathlib import Path

from kingdra_repro.report.tables.captions import title, titled
from kingdra_repro.report.tables.long_form import COLUMNS
from kingdra_repro.runs.reading import reading

NOT_PERCENT = ("cost", "thresholds")
WITHOUT_ORDER = ("", "-")


@dataclass(frozen=True)
class Cell:
    """One line of a long-form table; None where a number is not known."""

    row: str
    column: str
    order: str
    schedule: str
    mean: float | None
    std: float | None
    n: int
    paper_mean: float | None
    paper_std: float | None
    note: str
    runs: tuple[str, ...]

    @property
    def difference(self) -> float | None:
        """Ours less the paper's."""
        return None if self.mean is None or self.paper_mean is None else self.mean - self.paper_mean

    @property
    def as_good(self) -> bool:
        """Whether ours is not below the paper's by more than the paper's std."""
        return self.difference is not None and self.difference >= -(self.paper_std or 0) - 1e-9


@dataclass(frozen=True)
class Table:
    """A table of results/: its file's stem, its title, its cells in file order."""

    name: str
    title: str
    cells: tuple[Cell, ...]

    @property
    def columns(self) -> list[str]:
        """Names of the columns, as they first occur."""
        return list(dict.fromkeys(cell.column for cell in self.cells))

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Pairs of a row's name and its order of batches, as they first occur, those of one name together."""
        pairs = list(dict.fromkeys((cell.row, cell.order) for cell in self.cells))
        names = list(dict.fromkeys(name for name, _ in pairs))
        return sorted(pairs, key=lambda pair: names.index(pair[0]))

    def cell(self, row: str, order: str, column: str) -> Cell | None:
        """The cell at a place; of several schedules the first that is filled."""
        here = [one for one in self.cells if (one.row, one.order, one.column) == (row, order, column)]
        filled = [one for one in here if one.mean is not None]
        return next(iter(filled or here), None)


def read_tables(results: Path) -> list[Table]:
    """All tables of a results folder: the .csv files that have the columns of a long-form table."""
    found = {path.stem: cells for path in sorted(results.glob("*.csv")) if (cells := _read(path))}
    known = titled()
    order = [*(name for name in known if name in found), *(name for name in found if name not in known)]
    return [Table(name, title(name), found[name]) for name in order]


def _read(path: Path) -> tuple[Cell, ...]:
    with reading(path), path.open(newline="", encoding="utf-8") as file:
        lines = csv.DictReader(file)
        if not set(COLUMNS) <= set(lines.fieldnames or ()):
            return ()
        return tuple(_cell(line) for line in lines)


def _cell(line: dict[str, str]) -> Cell:
    return Cell(
        row=line["row"],
        column=line["column"],
        order=line["order"],
        schedule=line["schedule"],
        mean=_number(line["mean"]),
        std=_number(line["std"]),
        n=int(_number(line["n"]) or 0),
        paper_mean=_number(line["paper_mean"]),
        paper_std=_number(line["paper_std"]),
        note=line["note"],
        runs=tuple(folder for folder in line["runs"].split(";") if folder),
    )


def _number(text: str) -> float | None:
    return float(text) if text.strip() else None
