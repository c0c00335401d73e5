"""Strict reading: of regular files of limited size from another machine, and of tables in results/."""

import csv
import io
import os
import re
import stat
from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd

from kingdra_repro.errors import InputError
from kingdra_repro.runs.reading import EXACT, RESTORE, reporting_damage

# Largest size in bytes, by file name; kingdra-run writes no larger ones.
LIMITS = {
    **dict.fromkeys(("result.json", "overrides.yaml"), 2**16),
    **dict.fromkeys(("history.csv", "thresholds.csv"), 2**22),
}
MOST_COLUMNS = 100
# Columns that tables and estimates use: of integers, and of numbers or empty cells.
WHOLE = ("seed", "iteration")
NUMBERS = ("acc", "nmi", "ari", "purity", "wall_seconds")
COLUMN = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def plain_file(path: Path, largest: int | None = None) -> bytes | None:
    """Return the content of a file; None if there is no such file.

    Raises InputError if it is a link, a pipe or the like, or larger than `largest` bytes (None: as in
    `LIMITS`).
    """
    largest = LIMITS[path.name] if largest is None else largest
    try:
        # O_NONBLOCK: do not wait for the writer of a pipe.
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


def read_text_table(path: Path, content: bytes, is_local: bool = False) -> pd.DataFrame:
    """Parse the content of a .csv file, with every cell as text.

    If `is_local` is true, the file is in this machine's results/: the remedy is then to restore it, not to
    leave it out, and its last line must be complete. Raises InputError if the file has no rows, rows of
    unequal length, or something else in place of a number.
    """
    with reporting_damage(path, RESTORE) if is_local else reporting_damage(path):
        if is_local and not content.endswith(b"\n"):
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
    """Read a .csv file of this machine's results/; return None if there is no such file.

    Columns have the given `types`, and other columns those that pandas infers; if `types` is None, all cells
    are text. Raises InputError if the file is damaged or a needed column is missing.
    """
    if not path.exists():
        return None
    content = path.read_bytes()
    table = read_text_table(path, content, is_local=True)
    with reporting_damage(path, RESTORE):
        if absent := [name for name in needed if name not in table]:
            raise ValueError(f"no column {absent[0]}")
        return table if types is None else pd.read_csv(io.BytesIO(content), **EXACT, dtype=dict(types))
