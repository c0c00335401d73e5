"""The labels of a user's own data in a file of their own."""

import os
from pathlib import Path
from typing import Any

from kingdra_repro.data.formats.arrays import read_npy
from kingdra_repro.data.formats.tables import is_table, listed, read_table
from kingdra_repro.errors import InputError


def read_labels(setting: str, labels: str | os.PathLike) -> Any:
    """Return the labels of a file of their own; ``setting`` is what named it."""
    path = Path(labels).expanduser()
    if not path.is_file():
        raise InputError(f"dataset.{setting}={labels} does not exist ({path.absolute()}): correct the path")
    if path.suffix.lower() == ".npy":
        return read_npy(path)
    if is_table(path):
        table = read_table(path)
        if len(table.columns) != 1:
            raise InputError(f"{path} has the columns {listed(table.columns)}: keep the one with the labels")
        return table.iloc[:, 0]
    raise InputError(f"dataset.{setting}={labels} is neither a .npy file nor a table: save the labels as one")
