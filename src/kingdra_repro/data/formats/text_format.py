"""Detect the format of a table in a text file: separator, decimal sign and column names."""

import codecs
import csv
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kingdra_repro.checks import invalid_value
from kingdra_repro.errors import InputError

log = logging.getLogger(__name__)

SEPARATORS = (",", ";", "\t", "|")
BLANKS = r"\s+"  # one or more blanks
# From this share of numeric cells on, a column counts as numbers with errors, not as words.
MOSTLY = 0.8
MAX_TITLES = 20  # lines above the table
MAX_CELL = 1 << 24  # characters; Python's own limit, 131,072, is less than a long text
# What pandas reads as a missing value in a column of numbers, and the marks of other programs.
MISSING = (
    *("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "null", "None", "none", "NaN", "nan"),
    *("?", "-", ".", "\\N"),
)
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
POINTS_AND_COMMA = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+")  # 1.234,56
COMMAS_AND_POINT = re.compile(r"[+-]?\d{1,3}(,\d{3})+\.\d+")  # 1,234.56
THOUSANDS_OR_DECIMALS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # 1,234 is either


@dataclass(frozen=True)
class TextFormat:
    """The format of a table in a text file; None and "auto" mean that it is detected, if that is safe.

    Attributes
    ----------
    separator : str or None
        The sign between two values, "tab", or "blanks" for one or more blanks.
    decimal : {None, ".", ","}
    thousands : {None, ".", ","}
        Thousands separator. It is not a user setting: it is detected together with a table's decimal sign.
    encoding : str or None
        Python's name of the encoding, such as "cp1252". If None, it is detected from the first bytes of the
        file (UTF-8 unless they indicate another).
    header : {"auto", "first", "none"}
        Whether the first line has the column names.
    """

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    header: str = "auto"
    thousands: str | None = None

    def __post_init__(self) -> None:
        if self.header not in ("auto", "first", "none"):
            raise invalid_value("auto, first or none", "dataset.header", self.header)
        if self.decimal not in (None, ".", ","):
            raise invalid_value("'.' or ','", "dataset.decimal", self.decimal)
        if self.separator is not None and (not isinstance(self.separator, str) or not self.separator):
            raise invalid_value("one character, tab or blanks", "dataset.separator", self.separator)
        try:
            "".encode(self.encoding or "utf-8")
        except (LookupError, TypeError) as error:
            raise InputError(
                f"unknown dataset.encoding={self.encoding!r}: choose one such as utf-8, cp1252 or utf-16"
            ) from error

    @property
    def codec(self) -> str | None:
        """The given encoding; UTF-8 becomes utf-8-sig, which skips a byte-order mark."""
        if self.encoding is not None and codecs.lookup(self.encoding).name == "utf-8":
            return "utf-8-sig"
        return self.encoding


def find_separator(lines: Sequence[str], likely: str | None, decimal: str | None) -> tuple[str, int]:
    """Return the separator of the values in a file's first lines, and the number of lines above the table.

    The separator must split all lines into the same number of cells (the first may have one fewer), and must
    not be `decimal`. The separator that gives the largest share of numbers wins, with ties in favour of
    `likely`. Lines above the table have one value each, such as a title, and are followed by a line of names.
    """
    candidates = [one for one in dict.fromkeys([likely, *SEPARATORS, BLANKS]) if one not in (None, decimal)]
    for n_titles in range(min(MAX_TITLES + 1, max(1, len(lines) - 2))):
        if n_titles and not lines[n_titles].strip():
            continue
        above = lines[:n_titles]
        fit = [
            (_share_of_numbers(lines[n_titles:], one), one)
            for one in candidates
            if all(sum(map(bool, row)) < 2 for row in split(above, one))
            and not (above and any(map(is_number, split(lines[n_titles:], one)[0])))
        ]
        share, best = max(fit, key=lambda pair: pair[0], default=(-1.0, None))  # the first one in a tie
        if best is not None and share >= 0:
            return best, n_titles
    first = lines[0] if lines else ""
    return next((one for one in candidates if one in first), candidates[0]), 0


def _share_of_numbers(lines: Sequence[str], separator: str) -> float:
    """Return the share of cells that may be numbers, or -1 if lines have different numbers of cells."""
    rows = split(lines, separator)
    lengths = {len(row) for row in rows[1:]} or {len(row) for row in rows}
    # R writes no name for the column of row names.
    if len(lengths) != 1 or len(rows[0]) < 2 or len(rows[0]) not in (max(lengths), max(lengths) - 1):
        return -1
    cells = [cell for row in rows[1:] or rows for cell in row]
    share = sum(map(_may_be_number, cells)) / len(cells)
    return -1 if separator == BLANKS and share < 0.5 else share  # words of sentences


def find_decimal(rows: Sequence[Sequence[str]], separator: str, path: Path) -> tuple[str, str | None]:
    """Return the decimal sign, and the thousands separator or None.

    Raises
    ------
    InputError
        If all numbers with a comma are like 1,234, which may be thousands or decimals.
    """
    cells = [cell.strip() for row in rows for cell in row if "," in cell or "." in cell]
    if any(map(COMMAS_AND_POINT.fullmatch, cells)):
        return ".", ","
    if any(map(POINTS_AND_COMMA.fullmatch, cells)):
        return ",", "."
    commas = [cell for cell in cells if DECIMAL_COMMA.fullmatch(cell)]
    if not commas or any(map(DECIMAL_POINT.fullmatch, cells)):
        return ".", None
    if all(map(THOUSANDS_OR_DECIMALS.fullmatch, commas)):
        raise InputError(
            f"{path} has values such as {commas[0]}, which may be thousands or decimals: give "
            "dataset.decimal=',' or dataset.decimal=."
        )
    return ",", None


def find_thousands(rows: Sequence[Sequence[str]], decimal: str) -> str | None:
    """Return the thousands separator of numbers whose decimal sign is known, or None.

    It is the other sign, if that occurs together with the decimal sign, as in 1.234,56, or in every number
    with a single one stands before three digits, as in 1.234.
    """
    other, both, single = (
        (",", COMMAS_AND_POINT, DECIMAL_COMMA) if decimal == "." else (".", POINTS_AND_COMMA, DECIMAL_POINT)
    )
    cells = [cell.strip() for row in rows for cell in row if other in cell]
    if any(map(both.fullmatch, cells)):
        return other
    groups = re.compile(rf"[+-]?[1-9]\d{{0,2}}({re.escape(other)}\d{{3}})+")
    numbers = [cell for cell in cells if single.fullmatch(cell) or groups.fullmatch(cell)]
    return other if numbers and all(map(groups.fullmatch, numbers)) else None


def find_names(rows: list[list[str]], header: str, path: Path) -> tuple[list[str], int]:
    """Return the column names and the number of header lines (1 or 0); raise InputError in case of doubt."""
    first = [name.strip() for name in rows[0]]
    width = len(rows[1]) if len(rows) > 1 else len(first)
    numbered = [str(column) for column in range(len(first))]
    if header == "none":
        return numbered, 0
    given = [name for name in first if name not in MISSING]
    if header == "auto":
        points = [name.replace(",", ".") if DECIMAL_COMMA.fullmatch(name) else name for name in given]
        numbers = [float(name) for name in points if is_number(name)]
        fractions = any(number != round(number) for number in numbers)
        rising = len(numbers) > 1 and sorted(set(numbers)) in (numbers, numbers[::-1])
        # Repeated numbers, or unsorted fractions, are values and not column names.
        if (
            numbers
            and not rising
            and all(first)
            and (fractions or (len(numbers) == len(given) and len(set(numbers)) < len(numbers)))
        ):
            log.warning("%s has values in its first line: its columns are called 0, 1, 2...", path)
            return numbered, 0
        if given and len(numbers) == len(given):
            raise InputError(
                f"{path} has numbers in its first line ({', '.join(first[:3])}...): give "
                "dataset.header=first where these are names, such as years, or "
                "dataset.header=none where they are values"
            )
    if twice := next((name for name in given if given.count(name) > 1), None):
        raise InputError(f"{path} has two columns named {twice!r}: give each a name of its own")
    starts = [row[0] for row in rows[1:]]
    trailing = not any(row[-1].strip() for row in rows[1:])  # a separator at the end of each line
    if (
        width == len(first) + 1
        and not trailing
        and (starts == [str(i) for i in range(1, len(rows))] or not any(map(is_number, starts)))
    ):
        first = ["", *first]  # R writes no name for the column of row names, or numbers rows from 1
    return first, 1


def split(lines: Sequence[str], separator: str) -> list[list[str]]:
    """Return the cells of each line."""
    if separator == BLANKS:
        lines, separator = [" ".join(line.split()) for line in lines], " "
    limit = csv.field_size_limit(MAX_CELL)
    try:
        return [row for row in csv.reader((line + "\n" for line in lines), delimiter=separator) if row]
    except csv.Error:  # a quote that does not end, if `separator` is not the file's
        return []
    finally:
        csv.field_size_limit(limit)


def is_number(cell: str) -> bool:
    """Return whether a cell is a finite number."""
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def _may_be_number(cell: str) -> bool:
    cell = cell.strip()
    return is_number(cell) or cell in MISSING or DECIMAL_COMMA.fullmatch(cell) is not None
