"""Read tables that are written as delimited text, such as CSV."""

import codecs
import io
import logging
import re
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd

from kingdra_repro.checks import invalid_value
from kingdra_repro.data.formats.memory import check_n_columns
from kingdra_repro.data.formats.text_format import (
    BLANKS,
    MISSING,
    MOSTLY,
    SEPARATORS,
    TextFormat,
    find_decimal,
    find_names,
    find_separator,
    find_thousands,
    is_number,
    split,
)
from kingdra_repro.errors import InputError, format_names

log = logging.getLogger(__name__)

SAMPLE_BYTES = 1 << 18
SAMPLE_LINES = 200
FIRST_LINE_BYTES = 1 << 24  # a longer line is not a header


def read_delimited(
    content: Path | io.BytesIO,
    text_format: TextFormat,
    path: Path,
    separator: str | None,
    as_written: Collection[str] | None,
    words: Collection[str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a table that is written as delimited text.

    Parameters
    ----------
    content : Path or BytesIO
    text_format : TextFormat
    path : Path
        For messages.
    separator : str or None
        The likely separator, judging by the file's name.
    as_written : collection of str or None
        Columns whose original text is also returned (otherwise 007 becomes 7). If None, all columns.
    words : collection of str
        Columns that are known to hold words, even if all of their cells here look like numbers.

    Returns
    -------
    table : DataFrame [n, columns]
        ``attrs["found"]`` has the ``decimal`` and ``thousands`` that were used, unless the decimal sign is a
        point and there is no thousands separator, and the ``header``, if no line has names. pandas parses the
        columns of numbers. In columns of words, only empty cells are missing; NA and None are words. An
        unnamed column is called ``""``.
    written : DataFrame [n, the existing columns of ``as_written``]
        The cells as str without surrounding blanks; None if empty.

    Raises
    ------
    InputError
        If separator, encoding or names are ambiguous; the message names the setting that decides.
    """
    start = _first_bytes(content)
    encoding = text_format.codec or _encoding(start, path)
    lines, n_skipped, comment, told = _without_comments(_whole_lines(start, encoding))
    if lines:
        check_n_columns(path, 1 + max(map(lines[0].count, SEPARATORS)))
    separator = told or separator
    named = {"tab": "\t", "\\t": "\t", "blanks": BLANKS, " ": BLANKS}
    if text_format.separator is not None:
        separator = named.get(text_format.separator, text_format.separator)
        if len(separator) > 1 and separator != BLANKS:
            raise invalid_value("one character, tab or blanks", "dataset.separator", separator)
    else:
        separator, n_titles = find_separator(lines, separator, text_format.decimal)
        lines, n_skipped = lines[n_titles:], n_skipped + n_titles
        if n_titles:
            log.warning("The first %d lines of %s do not belong to the table and are skipped", n_titles, path)
    rows = split(lines, separator)
    if not rows:
        raise ValueError("it is empty")
    above = [name.strip() for name in split([comment], separator)[0]] if comment.strip() else []
    # numpy.savetxt writes the names as a comment above the numbers. Above words, "#a,b" (but not
    # "# Trees, oaks") is taken for names, and only with header="first".
    numbers_below = any(map(is_number, rows[0]))
    first = text_format.header == "first" and (numbers_below or comment.startswith("#"))
    if len(above) == len(rows[0]) and (first or (text_format.header == "auto" and numbers_below)):
        names, header = above, 0
    else:
        names, header = find_names(rows, text_format.header, path)
    if text_format.decimal is None:
        decimal, thousands = find_decimal(rows[header:], separator, path)
    else:
        decimal = text_format.decimal
        thousands = text_format.thousands or find_thousands(rows[header:], decimal)
    options: dict[str, Any] = {
        "sep": separator,
        "decimal": decimal,
        "encoding": encoding,
        "header": 0 if header else None,
        "skiprows": n_skipped,
        # In a table of one column, a blank line is a missing value, except at the end of the file.
        "skip_blank_lines": len(names) > 1,
    }
    if len(names) == 1:
        whole = content.getvalue() if isinstance(content, io.BytesIO) else content.read_bytes()
        content = io.BytesIO(whole.rstrip(b" \r\n\t") + b"\n" if "16" not in encoding else whole)
    wanted = [i for i, name in enumerate(names) if as_written is None or name in as_written]
    known = [i for i, name in enumerate(names) if name in words]
    found = _read(content, options, names, path, text_format.encoding is not None, wanted, known, thousands)
    signs = {"decimal": decimal, "thousands": thousands} if decimal != "." or thousands is not None else {}
    found[0].attrs["found"] = signs | ({} if header or names is above else {"header": "none"})
    return found


def _first_bytes(content: Path | io.BytesIO) -> bytes:
    """Return the start of a file, including its whole first line."""
    with io.BytesIO(content.getbuffer()) if isinstance(content, io.BytesIO) else content.open("rb") as file:
        start = file.read(SAMPLE_BYTES)
        return start if b"\n" in start else start + file.read(FIRST_LINE_BYTES)


def _encoding(start: bytes, path: Path) -> str:
    """Return the encoding of a file by its first bytes: UTF-8 unless they indicate another."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in start:
        raise InputError(
            f"{path} contains zero bytes, so it is not UTF-8 text: give dataset.encoding=utf-16 where it is "
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
        "%s is not in UTF-8 and is read as Windows-1252: "
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
    """Split off leading comments and blank lines.

    Return the other lines, the number of lines split off, the last comment, and the separator that Excel's
    line ``sep=;`` names.
    """
    comment, told = "", None
    for skipped, line in enumerate(lines):
        if found := re.fullmatch(r'"?sep=(.)"?', line.strip()):
            told = found[1]
        elif line.startswith("#"):
            comment = line.removeprefix("# ")
        elif line.strip():
            return lines[skipped:], skipped, comment, told
    return [], len(lines), comment, told


def _read(
    content: Path | io.BytesIO,
    options: dict[str, Any],
    names: list[str],
    path: Path,
    given_encoding: bool,
    wanted: list[int],
    known_words: list[int],
    thousands: str | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    with warnings.catch_warnings():
        # Without index_col, pandas takes the extra cells of lines longer than the header for row names.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # columns of mixed types are read again below
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
                f"{path} has lines of more values than its first line has names ({format_names(names)}): "
                "write the columns' names there, or give dataset.separator=SIGN (it was read with "
                f"{options['sep']!r}), dataset.decimal=SIGN or dataset.header=none"
            ) from error
        words = [i for i in table.columns if i in known_words or not _holds_numbers(table[i])]
        written = pd.DataFrame(index=table.index)
        if words or wanted:
            # Read as text without missing values: NA, None and null may be classes.
            options |= {"usecols": sorted({*words, *wanted}), "dtype": str, "keep_default_na": False}
            again = pd.read_csv(_from_start(content), **options)
            for i in words:
                cells = again[i].where(again[i] != "", None)
                plain = i in known_words
                table[i] = cells if plain else _as_pandas_writes(cells, options["decimal"], thousands)
            stripped = again[wanted].apply(lambda column: column.str.strip())
            written = stripped.where(stripped != "", None)
            written.columns = [names[i] for i in wanted]
    table.columns = names
    return table, written


def _as_pandas_writes(column: pd.Series, decimal: str, thousands: str | None) -> pd.Series:
    """Rewrite the numbers of a mostly numeric column with decimal points and without thousands separators."""
    plain = column.str.replace("\u2212", "-").str.replace("[\u00a0\u202f]", "", regex=True)
    if thousands:  # not left to pandas, which would read 03.04.2021 as 3042021 and 47.5636 as 475636
        sign, point = re.escape(thousands), re.escape(decimal)
        number = rf"\s*[+-]?[1-9]\d{{0,2}}({sign}\d{{3}})+({point}\d*)?([eE][+-]?\d+)?\s*"
        plain = plain.mask(plain.str.fullmatch(number, na=False), plain.str.replace(thousands, ""))
    plain = plain.str.replace(decimal, ".")
    numbers = pd.to_numeric(plain, errors="coerce").notna()
    mostly = numbers.sum() >= MOSTLY * (column.notna() & ~column.str.strip().isin(MISSING)).sum()
    return column.where(~numbers, plain) if mostly else column


def _holds_numbers(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not column.isna().all()


def _from_start(content: Path | io.BytesIO) -> Path | io.BytesIO:
    return io.BytesIO(content.getbuffer()) if isinstance(content, io.BytesIO) else content
