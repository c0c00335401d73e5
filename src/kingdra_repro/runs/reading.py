"""Readers of the files that kingdra-run writes. A damaged file raises an InputError that names it."""

import csv
import json
import re
import shlex
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from kingdra_repro.errors import InputError

# The exceptions that reading a damaged file may raise.
DAMAGE = (
    *(ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError),
    *(csv.Error, yaml.YAMLError, zipfile.BadZipFile, zlib.error, EOFError),
)
# For pandas.read_csv: exact numbers. From pandas 3.1 on this is the default, and the option is deprecated.
_OLD = tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1)
EXACT: dict[str, Any] = {"float_precision": "round_trip"} if _OLD else {}
# The remedy for a damaged file of results/, which holds many runs and is in git.
RESTORE = "restore it (git checkout), or remove the damaged line"
# Keys that the page needs: without them its script would fail halfway.
ON_THE_PAGE = {"explorer.json": ("n", "clusters", "kind"), "map.json": ("x", "y", "points", "k")}
# Settings that say where files are and what is kept, not what was run.
PLACES = ("output_dir", "mirror", "data_dir", "keep_model", "report.map")
# An override that needs no quotes in a shell.
PLAIN = re.compile(r"[\w+][\w.,:/@%+=\[\]-]*")


def read_result(folder: Path) -> dict[str, Any]:
    """Return result.json of a finished run; like all readers here, raise InputError if it is damaged."""
    with reporting_damage(folder / "result.json") as path:
        result = json.loads(path.read_text(encoding="utf-8"))
        for name in ("dataset", "method", "seed", "n", "k"):
            result[name]
    return result


def result_if_finished(folder: Path) -> dict[str, Any] | None:
    """Return result.json of a run, or None if the run is not finished; raise InputError if it is damaged."""
    path = folder / "result.json"
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise InputError(f"{path} is damaged: remove its folder to repeat the run") from error


def read_shown(folder: Path, name: str) -> dict[str, Any] | None:
    """Return explorer.json or map.json for the page; None if the run has none."""
    with reporting_damage(folder / name) as path:
        if not path.exists():
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        for key in ON_THE_PAGE[name]:
            found[key]
        return found


def read_history(folder: Path) -> pd.DataFrame | None:
    """Return history.csv, or None if the method has no phases."""
    with reporting_damage(folder / "history.csv") as path:
        return pd.read_csv(path, **EXACT) if path.exists() else None


def read_command(folder: Path) -> str | None:
    """Return a run's command line, without the overrides in `PLACES`; None if Hydra's record is missing.

    Overrides are quoted for the shell where they need it; lists such as ``[256,256]`` do not.
    """
    with reporting_damage(folder / ".hydra" / "overrides.yaml") as path:
        if not path.exists():
            return None
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
        kept = [one for one in given if one.partition("=")[0] not in PLACES]
        return " ".join(["kingdra-run", *(one if PLAIN.fullmatch(one) else shlex.quote(one) for one in kept)])


@contextmanager
def reporting_damage(path: Path, remedy: str = "remove it, or make the run again") -> Iterator[Path]:
    """Turn errors in the block into an InputError that the file is damaged, with the remedy."""
    try:
        yield path
    except InputError:
        raise
    except DAMAGE as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path} is damaged, or not what kingdra-run writes ({type(error).__name__}: {reason}): {remedy}"
        ) from error
