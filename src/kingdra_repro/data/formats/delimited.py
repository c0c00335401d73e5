"""Tables as text: what separates the values, what marks decimals, and whether the first line has names."""

import codecs
import csv
import io
import logging
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kingdra_repro.data.formats.memory import check_n_columns
from kingdra_repro.errors import InputError

log = logging.getLogger(__name__)

SEPARATORS = (",", ";", "\t", "|")
BLANKS = r"\s+"  # any number of blanks
SAMPLE_BYTES = 1 << 18
SAMPLE_LINES = 200
MAX_TITLES = 20  # lines above the table
FIRST_LINE_BYTES = 1 << 24  # a longer one is no line of names
# What pandas reads as a missing value in a column of numbers, and other programs' marks for it.
MISSING = ("", "NA", "N/A", "NULL", "null", "None", "#N/A", "nan", "NaN", "n/a", "<NA>", "?", "-", ".")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
POINTS_AND_COMMA = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+")  # 1.234,56
COMMAS_AND_POINT = re.compile(r"[+-]?\d{1,3}(,\d{3})+\.\d+")  # 1,234.56
THOUSANDS_OR_DECIMALS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # 1,234 is either


@dataclass(frozen=True)
class TextFormat:
    """How a table is written as text; None and "auto" are found out where that is safe.

    Attributes
    ----------
    separator : str or None
        What lies between two values; "tab", and "blanks" for any number of blanks.
    decimal : {None, ".", ","}
    encoding : str or None
        As Python names it, such as "cp1252"; None: UTF-8, or what the first bytes say.
    header : {"auto", "first", "none"}
        Whether the first line has the columns' names.
    """

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    header: str = "auto"

    def __post_init__(self) -> None:
        if self.header not in ("auto", "first", "none"):
            raise InputError(f"dataset.header={self.header!r} is unknown: choose auto, first or none")
        if self.decimal not in (None, ".", ","):
            raise InputError(f"dataset.decimal={self.decimal!r} is unknown: choose '.' or ','")
        if self.separator is not None and (not isinstance(self.separator, str) or not self.separator):
            raise InputError(f"dataset.separator={self.separator!r} is none: give a sign, tab or blanks")
        try:
            "".encode(self.encoding or "utf-8")
        except (LookupError, TypeError) as error:
            raise InputError(
                f"dataset.encoding={self.encoding!r} is unknown: give one such as utf-8, cp1252 or utf-16"
            ) from error


def read_delimited(
    content: Path | io.BytesIO, given: TextFormat, path: Path, separator: str | None = None
) -> pd.DataFrame:
    """Read a table that is written as text.

    Parameters
    ----------
    content : Path or BytesIO
    given : TextFormat
    path : Path
        For the messages.
    separator : str or None
        The likely one, by the file's name.

    Returns
    -------
    DataFrame
        Columns of numbers as pandas reads them; in columns of words only what is empty is missing: NA and
        None are words. A column without a name is called ``""``.

    Raises
    ------
    InputError
        Where separator, encoding or names are in doubt: the setting that says so is named.
    """
    start = _first_bytes(content)
    encoding = given.encoding or _encoding(start, path)
    lines, n_skipped, comment, told = _without_comments(_whole_lines(start, encoding))
    if lines:
        check_n_columns(path, 1 + max(map(lines[0].count, SEPARATORS)))
    separator = told or separator
    named = {"tab": "\t", "\\t": "\t", "blanks": BLANKS, " ": BLANKS}
    if given.separator is not None:
        separator = named.get(given.separator, given.separator)
        if len(separator) > 1 and separator != BLANKS:
            raise InputError(
                f"dataset.separator={separator!r} is more than one sign: give one, tab or blanks"
            )
    else:
        separator, n_titles = find_separator(lines, separator, given.decimal)
        lines, n_skipped = lines[n_titles:], n_skipped + n_titles
        if n_titles:
            log.warning(
                "The first %d lines of %s are no part of the table: they are left out", n_titles, path
            )
    rows = split(lines, separator)
    if not rows:
        raise ValueError("it is empty")
    above = [name.strip() for name in split([comment], separator)[0]] if comment.strip() else []
    if given.header == "auto" and len(above) == len(rows[0]) and any(map(_is_number, rows[0])):
        names, header = above, 0  # as numpy.savetxt writes them
    else:
        names, header = _names(rows, given.header, path)
    decimal, thousands = (
        (given.decimal, None) if given.decimal else find_decimal(rows[header:], separator, path)
    )
    options: dict[str, Any] = {
        "sep": separator,
        "decimal": decimal,
        "thousands": thousands,
        "encoding": encoding,
        "header": 0 if header else None,
        "skiprows": n_skipped,
        # A blank line is a missing value where there is one column; at the end it is just the end.
        "skip_blank_lines": len(names) > 1,
    }
    if len(names) == 1:
        whole = content.getvalue() if isinstance(content, io.BytesIO) else content.read_bytes()
        content = io.BytesIO(whole.rstrip(b" \r\n\t") + b"\n" if "16" not in encoding else whole)
    return _read(content, options, names, path, given.encoding is not None)


def find_separator(
    lines: Sequence[str], likely: str | None = None, decimal: str | None = None
) -> tuple[str, int]:
    """What separates the values, and the number of lines above the table.

    It must split all lines alike, and leave as many numbers as can be. Lines above the table are those of
    one value, such as a title, before one of names.

    Parameters
    ----------
    lines : sequence of str
        The first ones.
    likely : str or None
        Tried first.
    decimal : str or None
        What marks decimals, and so separates no values.
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
            and not (above and any(map(_is_number, split(lines[n_titles:], one)[0])))
        ]
        share, best = max(fit, key=lambda pair: pair[0], default=(-1.0, None))  # the first of equals
        if best is not None and share >= 0:
            return best, n_titles
    first = lines[0] if lines else ""
    return next((one for one in candidates if one in first), candidates[0]), 0


def _share_of_numbers(lines: Sequence[str], separator: str) -> float:
    """How many of the cells may be numbers, 0..1; -1 where lines have different numbers of cells."""
    rows = split(lines, separator)
    lengths = {len(row) for row in rows[1:]} or {len(row) for row in rows}
    # R leaves out the name of its row names.
    if len(lengths) != 1 or len(rows[0]) < 2 or len(rows[0]) not in (max(lengths), max(lengths) - 1):
        return -1
    cells = [cell for row in rows[1:] or rows for cell in row]
    share = sum(map(_may_be_number, cells)) / len(cells)
    return -1 if separator == BLANKS and share < 0.5 else share  # words of a sentence


def find_decimal(rows: Sequence[Sequence[str]], separator: str, path: Path) -> tuple[str, str | None]:
    """The sign before the decimals, and the one between thousands or None.

    Raises
    ------
    InputError
        Where 1,234 may be either.
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
            "dataset.decimal=',' or dataset.decimal=. (and no commas in the file)"
        )
    return ",", None


def split(lines: Sequence[str], separator: str) -> list[list[str]]:
    """The cells of each line."""
    if separator == BLANKS:
        lines, separator = [" ".join(line.split()) for line in lines], " "
    try:
        return [row for row in csv.reader((line + "\n" for line in lines), delimiter=separator) if row]
    except csv.Error:  # a quote that does not end, with another sign than the file's
        return []


def _first_bytes(content: Path | io.BytesIO) -> bytes:
    """Some lines, at least the first."""
    with io.BytesIO(content.getbuffer()) if isinstance(content, io.BytesIO) else content.open("rb") as file:
        start = file.read(SAMPLE_BYTES)
        return start if b"\n" in start else start + file.read(FIRST_LINE_BYTES)


def _encoding(start: bytes, path: Path) -> str:
    """UTF-8, unless the first bytes say another."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in start:
        raise InputError(
            f"{path} holds zero bytes, as no text in UTF-8 does: give dataset.encoding=utf-16 where it is "
            "text, or name the file after what it is"
        )
    if start.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return _other_encoding(path)
    return "utf-8"


def _other_encoding(path: Path) -> str:
    log.warning(
        "%s is not written in UTF-8: it is read as Windows-1252; "
        "give dataset.encoding=NAME where words come out wrong",
        path,
    )
    return "cp1252"


def _whole_lines(start: bytes, encoding: str) -> list[str]:
    lines = re.split("\r\n|\n|\r", start.decode(encoding, errors="replace"))
    if len(start) >= SAMPLE_BYTES and len(lines) > 1:
        lines = lines[:-1]
    return lines[:SAMPLE_LINES]


def _without_comments(lines: list[str]) -> tuple[list[str], int, str, str | None]:
    """Lines below comments and blank ones, how many these are, the last comment, Excel's ``sep=;``."""
    comment, told = "", None
    for skipped, line in enumerate(lines):
        if found := re.fullmatch(r'"?sep=(.)"?', line.strip()):
            told = found[1]
        elif line.startswith("#"):
            comment = line.lstrip("#")
        elif line.strip():
            return lines[skipped:], skipped, comment, told
    return [], len(lines), comment, told


def _names(rows: list[list[str]], header: str, path: Path) -> tuple[list[str], int]:
    """The columns' names, and how many lines they take: 1 or 0."""
    first = [name.strip() for name in rows[0]]
    width = len(rows[1]) if len(rows) > 1 else len(first)
    numbered = [str(column) for column in range(len(first))]
    if header == "none":
        return numbered, 0
    given = [name for name in first if name not in MISSING]
    if header == "auto":
        numbers = [float(name) for name in given if _is_number(name)]
        fractions = any(number != round(number) for number in numbers)
        rising = len(numbers) > 1 and sorted(set(numbers)) in (numbers, numbers[::-1])
        # Numbers of which one comes twice, or fractions in no order, are no names of columns.
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
    if width == len(first) + 1 and (
        starts == [str(i) for i in range(1, len(rows))] or not any(map(_is_number, starts))
    ):
        first = ["", *first]  # R leaves out the name of its row names, or counts from 1
    return first, 1


def _read(
    content: Path | io.BytesIO, options: dict[str, Any], names: list[str], path: Path, given_encoding: bool
) -> pd.DataFrame:
    with warnings.catch_warnings():
        # Without index_col, pandas takes what a line has beyond the names for the names of rows.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # columns of mixed types are read again
        options |= {"names": range(len(names)), "index_col": False}
        try:
            table = pd.read_csv(_from_start(content), **options)
        except UnicodeDecodeError:
            if given_encoding:
                raise
            options["encoding"] = _other_encoding(path)
            table = pd.read_csv(_from_start(content), **options)
        except pd.errors.ParserWarning as error:
            raise InputError(
                f"{path} has lines of more values than its first line has names ({_few(names)}): write the "
                "columns' names there, or give dataset.separator=SIGN (it was read with "
                f"{options['sep']!r}), dataset.decimal=SIGN or dataset.header=none"
            ) from error
        words = [i for i in table.columns if not _holds_numbers(table[i])]
        if words:
            # As they are written: NA, None and null may be classes.
            options |= {"usecols": words, "dtype": str, "keep_default_na": False}
            again = pd.read_csv(_from_start(content), **options)
            for i in words:
                table[i] = again[i].where(again[i] != "", None)
    table.columns = names
    return table


def _holds_numbers(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not column.isna().all()


def _from_start(content: Path | io.BytesIO) -> Path | io.BytesIO:
    return io.BytesIO(content.getbuffer()) if isinstance(content, io.BytesIO) else content


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def _may_be_number(cell: str) -> bool:
    cell = cell.strip()
    return _is_number(cell) or cell in MISSING or DECIMAL_COMMA.fullmatch(cell) is not None


def _few(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:8])) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
