"""Strict reading: of what another machine made, plain files of a sane size; and of tables of results/."""

import csv
import io
import os
import re
import stat
from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd

from kingdra_repro.errors import InputError
from kingdra_repro.runs.reading import EXACT, RESTORE, reading

# Bytes of the other files that are read; a file that is larger is none that kingdra-run wrote.
LIMITS = {
    **dict.fromkeys(("result.json", "overrides.yaml"), 2**16),
    **dict.fromkeys(("history.csv", "thresholds.csv"), 2**22),
}
MOST_COLUMNS = 100
# What tables and estimates are made of: whole numbers, and others or nothing.
WHOLE = ("seed", "iteration")
NUMBERS = ("acc", "nmi", "ari", "purity", "wall_seconds")
COLUMN = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def plain_file(path: Path, largest: int | None = None) -> bytes | None:
    """Content of a file of at most so many bytes (None: as in `LIMITS`); None where there is none.

    InputError where it is a link, a pipe or the like, or too large.
    """
    largest = LIMITS[path.name] if largest is None else largest
    try:
        # Without waiting for whoever may write to a pipe.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        if path.is_symlink():
            raise InputError(f"{path} is a link, not a file: leave its folder out") from error
        raise
    with open(handle, "rb") as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise InputError(f"{path} is not a regular file: leave its folder out")
        if about.st_size > largest:
            raise InputError(
                f"{path} has {about.st_size:,} bytes, more than the {largest:,} that are read: "
                "leave its folder out"
            )
        return file.read(largest)


def read_text_table(path: Path, content: bytes, ours: bool = False) -> pd.DataFrame:
    """Read the content of a .csv file with each cell as the text that it is.

    `ours`: it is of this machine's results/, which are put right rather than left out. InputError where it
    has no rows, rows of unequal length, or another thing in the place of a number.
    """
    with reading(path, RESTORE) if ours else reading(path):
        if ours and not content.endswith(b"\n"):
            raise ValueError("its last line is cut")
        lines = list(csv.reader(io.StringIO(content.decode("utf-8")), strict=True))
        if len(lines) < 2:
            raise ValueError("it has no rows")
        header, *rows = lines
        if len(set(header)) < len(header) or len(header) > MOST_COLUMNS:
            raise ValueError(f"{len(header)} columns, or two of one name")
        if not all(COLUMN.fullmatch(name) for name in header):
            raise ValueError("a column has no name")
        for number, row in enumerate(rows, 2):
            if len(row) != len(header):
                raise ValueError(f"row {number} has {len(row)} cells, not {len(header)}")
        for place, name in enumerate(header):
            for cell in (row[place] for row in rows if name in WHOLE or (name in NUMBERS and row[place])):
                int(cell) if name in WHOLE else float(cell)
        return pd.DataFrame(rows, columns=header, dtype=str)


def read_table(
    path: Path, needed: Collection[str] = (), types: Mapping[str, type] | None = None
) -> pd.DataFrame | None:
    """Read a file of this machine's results/; None where there is none.

    Columns have these types, others as pandas finds them; None: all cells are text. InputError where it is
    damaged or a needed column is missing.
    """
    if not path.exists():
        return None
    content = path.read_bytes()
    table = read_text_table(path, content, ours=True)
    with reading(path, RESTORE):
        if absent := [name for name in needed if name not in table]:
            raise ValueError(f"no column {absent[0]}")
        return table if types is None else pd.read_csv(io.BytesIO(content), **EXACT, dtype=dict(types))
