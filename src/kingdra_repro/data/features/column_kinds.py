"""Detect what the columns of a table hold (numbers, dates or words) and convert their cells."""

import re
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
from pandas.api import types

from kingdra_repro.data.formats.labels import EXACT
from kingdra_repro.data.formats.text_format import MISSING, MOSTLY
from kingdra_repro.errors import InputError

FEWEST_ROWS = 10  # in a shorter table, consecutive numbers may be measurements and not row numbers

ONE_VALUE, ROW_NUMBERS = "the same in all rows", "row numbers"  # why a column is left out
UNITS = (r"^\s*[€$£¥]\s*", r"\s*[%€$£¥]\s*$")  # before and after the number: $5, 20%

_TIME = r"([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?(Z|[+-]\d{2}:?\d{2})?)?"
YEAR_FIRST = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}" + _TIME)
YEAR_LAST = re.compile(r"^(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4}|\d{2})" + _TIME)


def kind_of(column: pd.Series) -> str:
    """Return the kind of a column: "empty", "numbers", "dates", "words", or "objects" such as lists."""
    if types.is_complex_dtype(column):
        return "objects"
    known = column[_known(column)]
    if known.empty:
        return "empty"
    if types.is_numeric_dtype(column) or types.is_timedelta64_dtype(column):
        return "numbers"
    if types.is_datetime64_any_dtype(column):
        return "dates"
    held = types.infer_dtype(known, skipna=True)
    if held in ("date", "datetime", "datetime64"):
        return "dates"
    if held in ("boolean", "integer", "floating", "mixed-integer-float", "decimal"):
        return "numbers"
    if held in ("mixed", "bytes") and not known.map(lambda cell: isinstance(cell, str | int | float)).all():
        return "objects"
    if _parsed(known).notna().mean() >= MOSTLY:
        return "numbers"
    words = known.astype(str).str.strip()
    if words.map(lambda word: bool(YEAR_FIRST.fullmatch(word) or YEAR_LAST.fullmatch(word))).all():
        return "dates"
    return "words"


def numbers_of(column: pd.Series, source: str, first_row: int = 0) -> np.ndarray:
    """Return the numbers of a column as float64 [n], with NaN for missing cells.

    Raises
    ------
    InputError
        If a cell is infinite or not a number. The message gives its column, value and row; the first row of
        the column has the number `first_row`.
    """
    if types.is_timedelta64_dtype(column):
        return column.dt.total_seconds().to_numpy(np.float64)
    plain = types.is_numeric_dtype(column)
    numbers = column if plain else _parsed(column)
    found = numbers.to_numpy(np.float64, na_value=np.nan)
    if len(infinite := np.flatnonzero(np.isinf(found))):
        raise InputError(
            f"{source}: row {first_row + infinite[0]} (counted from 0), column {column.name!r}: "
            f"{str(column.iloc[infinite[0]])[:40]!r} is infinite: correct it, or empty the cell"
        )
    if plain:
        return found
    wrong = np.flatnonzero(numbers.isna() & _known(column))
    if len(wrong):
        cell = str(column.iloc[wrong[0]])
        comma = "give dataset.decimal=',' or " if re.fullmatch(r"[+-]?\d+,\d+", cell.strip()) else ""
        others = f", as {len(wrong) - 1} more are" if len(wrong) > 1 else ""
        raise InputError(
            f"{source}: row {first_row + wrong[0]} (counted from 0), column {column.name!r}: {cell!r} is not "
            f"a number{others}: {comma}correct it, empty the cell (where kingdra-run has "
            "dataset.missing=drop, mean or median), or leave the column out there (dataset.drop=[...])"
        )
    return found


def unit_of(column: pd.Series) -> str | None:
    """Return the unit that all cells share, such as "%"; "" if there is none, None if all cells are empty."""
    known = column[_known(column)]
    if known.empty:
        return None
    if types.is_numeric_dtype(column) or not _is_text(known):
        return ""
    found = [known.str.extract(f"({unit})")[0].str.strip() for unit in UNITS]
    return "".join(one.iloc[0] for one in found if one.notna().all() and one.nunique() == 1)


def day_first(column: pd.Series, source: str) -> bool:
    """Return whether dates such as 3/4/2021 have the day first, judging by the other dates of the column.

    Raises
    ------
    InputError
        If every date of the column is ambiguous.
    """
    if not _is_text(column):
        return False
    column = column.reset_index(drop=True)
    found = column.where(_known(column)).str.strip().str.extract(YEAR_LAST)[[0, 1, 2]].dropna()
    if found.empty or (found[0].astype(int) > 12).any() or (found[1] == ".").any():
        return not found.empty
    if (found[2].astype(int) > 12).any():
        return False
    raise InputError(
        f"{source}: column {column.name!r} has dates such as {column[found.index[0]]}, whose day and month "
        "are ambiguous: write them as 2021-04-03, or give dataset.dates=ignore"
    )


def dates_of(column: pd.Series, day_first: bool, source: str) -> pd.Series:
    """Return the dates of a column, with NaT for missing cells; raise InputError if a cell is not a date."""
    if types.is_datetime64_any_dtype(column):
        return column
    # The names of the rows may repeat, so that only positions tell the rows apart.
    known = column.reset_index(drop=True)[_known(column).to_numpy()]
    # Dates with the year first are parsed separately: dayfirst would read 2021-04-03 as 4 March.
    year_first = known.astype(str).str.match(r"\s*\d{4}")
    try:
        found = [
            pd.to_datetime(cells, dayfirst=day_first and not alike, format="mixed")
            for alike, cells in known.groupby(year_first)
        ]
        dates = pd.concat(found) if found else known
        return pd.to_datetime(dates.reindex(range(len(column)))).set_axis(column.index)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{source}: column {column.name!r} has a date that cannot be read ({error}): correct it, or give "
            "dataset.dates=ignore"
        ) from error


DATE_PARTS: dict[str, Callable[[pd.Series], pd.Series]] = {
    "year": lambda dates: dates.dt.year,
    "month": lambda dates: dates.dt.month,
    "day": lambda dates: dates.dt.day,
    "weekday": lambda dates: dates.dt.day_of_week,
    "hour": lambda dates: dates.dt.hour,
}


def words_of(column: pd.Series) -> pd.Series:
    """Return the words of a column, stripped of surrounding blanks; None for missing or blank cells.

    Integers that pandas has turned into floats because of missing cells are written as integers again.
    """
    if types.is_float_dtype(column) and column.hasnans:
        known = column.dropna()
        if (known % 1 == 0).all() and (known.abs() < EXACT).all():
            column = column.astype("Int64")
    words = column.astype(object).where(column.notna(), None)
    return words.map(lambda word: None if word is None else str(word).strip() or None)


def is_row_number(numbers: np.ndarray) -> bool:
    """Return whether the numbers (at least `FEWEST_ROWS`) are distinct consecutive integers, in any order."""
    n = len(numbers)
    if n < FEWEST_ROWS or not np.isfinite(numbers).all() or not (numbers == np.round(numbers)).all():
        return False
    return bool(numbers.max() - numbers.min() == n - 1 and len(np.unique(numbers)) == n)


def uninformative_reason(column: pd.Series, kind: str, source: str) -> str | None:
    """Return the reason why a column carries no information, or None if it carries some."""
    if kind == "empty":
        return "empty"
    values = words_of(column) if kind == "words" else column
    if values.notna().all() and values.nunique() == 1:
        return ONE_VALUE
    if kind == "numbers" and is_row_number(numbers_of(column, source)):
        return ROW_NUMBERS
    return None


def _known(column: pd.Series) -> pd.Series:
    """Return a mask of the cells that are not missing; in text columns, blanks and marks such as ? are."""
    known = column.notna()
    if types.is_numeric_dtype(column) or types.is_datetime64_any_dtype(column):
        return known
    cells = column.astype(object).map(lambda cell: cell.strip() if isinstance(cell, str) else cell)
    return known & ~cells.isin(MISSING)


def _is_text(column: pd.Series) -> bool:
    return bool(column.dropna().astype(object).map(lambda cell: isinstance(cell, str)).all())


def _parsed(column: pd.Series) -> pd.Series:
    """Parse the numbers in a column of objects, ignoring a unit that all cells share; NaN for other cells."""
    known = column[_known(column)]
    if _is_text(known):
        if known.str.lower().isin(["true", "false"]).all():
            return column.str.lower().map({"true": 1.0, "false": 0.0})
        for unit in UNITS:
            if known.str.extract(f"({unit})")[0].str.strip().nunique(dropna=False) == 1:
                column = column.str.replace(unit, "", regex=True)
    column = column.astype(object)
    try:
        return pd.to_numeric(column, errors="coerce")
    except OverflowError:  # JSON may hold integers above the largest float: infinite, as 1e400 is
        return pd.to_numeric(column.map(_float_or_infinite), errors="coerce")


def _float_or_infinite(cell: object) -> object:
    return np.inf if isinstance(cell, int) and abs(cell) > sys.float_info.max else cell
