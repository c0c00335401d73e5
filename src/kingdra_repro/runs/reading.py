"""The files of a run, as kingdra-run leaves them; one that is not so is named."""

import csv
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from kingdra_repro.errors import InputError

# What reading a file that is not what it should be may end in.
DAMAGE = (
    *(ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError),
    *(csv.Error, yaml.YAMLError, zipfile.BadZipFile),
)
# For pandas.read_csv: numbers to the last digit. From 3.1 on that needs no word, and the word is deprecated.
_OLD = tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1)
EXACT: dict[str, Any] = {"float_precision": "round_trip"} if _OLD else {}
# What to do about a file of results/: many runs are in it, and git has it.
RESTORE = "restore it (git checkout), or remove the damaged line"
# What the page cannot do without: its script would end in the middle.
ON_THE_PAGE = {"explorer.json": ("n", "clusters", "kind"), "map.json": ("x", "y", "points", "k")}
# They say where files lie and what is kept, not what was run.
PLACES = ("output_dir", "mirror", "data_dir", "keep_model", "report.map")


def read_result(folder: Path) -> dict[str, Any]:
    """result.json of a finished run; InputError where it is damaged, as for the others here."""
    with reading(folder / "result.json") as path:
        result = json.loads(path.read_text(encoding="utf-8"))
        for name in ("dataset", "method", "seed", "n", "k"):
            result[name]
    return result


def result_if_finished(folder: Path) -> dict[str, Any] | None:
    """result.json of a run, or None where it is not finished; InputError where it is damaged."""
    path = folder / "result.json"
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise InputError(f"{path} is damaged: remove its folder to repeat the run") from error


def read_shown(folder: Path, name: str) -> dict[str, Any] | None:
    """explorer.json or map.json, as the page takes it; None where a run has none (an older version's)."""
    with reading(folder / name) as path:
        if not path.exists():
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        for key in ON_THE_PAGE[name]:
            found[key]
        return found


def read_history(folder: Path) -> pd.DataFrame | None:
    """history.csv, or None where the method has no phases."""
    with reading(folder / "history.csv") as path:
        return pd.read_csv(path, **EXACT) if path.exists() else None


def read_command(folder: Path) -> str | None:
    """Return what was typed, as Hydra left it in the run's folder."""
    with reading(folder / ".hydra" / "overrides.yaml") as path:
        if not path.exists():
            return None
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
        return " ".join(["kingdra-run", *(one for one in given if one.partition("=")[0] not in PLACES)])


@contextmanager
def reading(path: Path, remedy: str = "remove it, or make the run again") -> Iterator[Path]:
    """Report what goes wrong within as damage of the file, with what to do about it."""
    try:
        yield path
    except InputError:
        raise
    except DAMAGE as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path} is damaged, or not what kingdra-run writes ({type(error).__name__}: {reason}): {remedy}"
        ) from error
