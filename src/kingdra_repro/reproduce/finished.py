"""Readers of finished runs: of folders of kingdra-run, and of the results/ of another machine.

Nothing in them is trusted. Only regular files of limited size are read, and anything wrong raises an
`InputError` before anything is written.
"""

import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from kingdra_repro.errors import InputError
from kingdra_repro.provenance import code_version
from kingdra_repro.reproduce.strict_reading import COLUMN, MOST_COLUMNS, NUMBERS, plain_file, read_text_table
from kingdra_repro.runs.reading import EXACT, read_command, reporting_damage

KEY = ["config_hash", "code", "seed"]  # identifies a run among those of its data set
SHOWN = ("explorer.json", "graph_sample.json", "members.npz")
LARGEST_SHOWN = 400_000  # bytes: results/ is committed
LARGEST_LEDGER = 2**26
MOST_UNPACKED = 2**24  # bytes of a members.npz when unpacked

_CODE = r"(?:[0-9a-f]{7}(?:-dirty)?|unknown)"
_NAME = re.compile(rf"seed(\d+)-([0-9a-f]{{8}})-({_CODE}(?:\+{_CODE})*)")
_PART = re.compile(r"(?!\.)[^/\\\x00-\x1f]+")  # a folder named after a data set or a method


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """What results/ keeps of a run.

    Attributes
    ----------
    folder : ``runs/<dataset>/<method>[-<base>]/seed<seed>-<config_hash>-<code>``, which identifies the run
    row : the run's row of runs.csv, as text
    history, thresholds : history.csv and thresholds.csv, as text
    shown : contents, by name, of those files in `SHOWN` that exist
    """

    folder: str
    row: dict[str, str]
    history: pd.DataFrame | None = None
    thresholds: pd.DataFrame | None = None
    shown: dict[str, bytes] = field(default_factory=dict)

    @property
    def dataset(self) -> str:
        return dataset_of(self.folder)

    @property
    def key(self) -> tuple[str, ...]:
        return key(self.folder)


def key(folder: str) -> tuple[str, ...]:
    """Return ``config_hash``, ``code`` and ``seed`` from a run's folder name; () for any other name."""
    found = _NAME.fullmatch(folder.rpartition("/")[2])
    return (found[2], found[3], found[1]) if found else ()


def dataset_of(folder: str) -> str:
    """Return the data set from a run's folder name; "" for a name without "/"."""
    return folder.split("/")[1] if "/" in folder else ""


def find_runs(root: Path) -> Iterator[FinishedRun]:
    """Yield all finished runs below a folder, such as an outputs/ or a results/."""
    for place, folders, files in os.walk(root.resolve()):  # os.walk does not follow links
        folders.sort()
        if "result.json" in files:
            yield read_folder(Path(place))
        if "runs.csv" in files:
            yield from _read_ledger(Path(place))


def read_folder(folder: Path) -> FinishedRun:
    """Read a run's folder, as kingdra-run leaves it.

    Raises InputError if the run is not finished or its command is not recorded, or if one of its files is
    damaged, too large or not a regular file.
    """
    result = _result(folder / "result.json")
    code = code_version(result["commit"])
    name = f"seed{result['seed']}-{result['config_hash']}-{code}"
    places = (folder.parent.parent.name, folder.parent.name, name)
    if not _NAME.fullmatch(name) or not all(_PART.fullmatch(part) for part in places):
        raise InputError(
            f"{folder / 'result.json'} has a seed, hash or commit that no run has: leave its folder out"
        )
    plain_file(folder / ".hydra" / "overrides.yaml")
    command = read_command(folder)
    if command is None:
        raise InputError(f"{folder} does not record what was run (.hydra/overrides.yaml): leave it out")
    history = plain_file(folder / "history.csv")
    thresholds = plain_file(folder / "thresholds.csv")
    with reporting_damage(folder / "history.csv"):
        phases = {} if history is None else _from_history(history)
        place = "/".join(("runs", *places))
        row = {"command": " ".join(command.split()), **result, **phases, "folder": place, "code": code}
        return FinishedRun(
            place,
            {column: _text(value) for column, value in row.items()},
            _table(folder / "history.csv", history, ["iteration"]),
            _table(folder / "thresholds.csv", thresholds, ["t_pos", "t_neg"]),
            _shown(folder),
        )


def _table(path: Path, content: bytes | None, needed: Sequence[str]) -> pd.DataFrame | None:
    if content is None:
        return None
    table = read_text_table(path, content)
    with reporting_damage(path):
        if not set(needed) <= set(table) or set(KEY) & set(table):
            raise ValueError(f"no column {' or '.join(needed)}")
    return table


def _result(path: Path) -> dict[str, Any]:
    """Read result.json, which must have names and plain values only."""
    content = plain_file(path)
    try:
        result = json.loads(content or b"")
        result.pop("cluster_sizes", None)  # a list, which runs.csv has no column for
        for name in ("seed", "config_hash", "commit"):
            result[name]
        code_version(result["commit"])
        names = all(COLUMN.fullmatch(name) for name in result) and len(result) <= MOST_COLUMNS
        values = (None, bool, int, float, str)
        plain = all(value is None or type(value) in values for value in result.values())
        if not names or not plain or {"command", "folder", "code"} & set(result):
            raise ValueError("not the names and values of a result")
        if any(isinstance(result.get(name), str) for name in NUMBERS):
            raise ValueError("a text in the place of a number")
        if any(isinstance(value, str) and not value.isprintable() for value in result.values()):
            raise ValueError("a text of more than a line")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is not the result of a run: leave its folder out") from error
    return result


def _text(value: Any) -> str:
    """Return a value as text for runs.csv; "" for None and NaN."""
    if value is None or value != value:
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)


def _from_history(content: bytes) -> dict[str, Any]:
    """Read from a history what result.json lacks.

    For methods with an ensemble, these are the scores after the phase without pseudo-labels; for methods with
    iterations, how the sets that the iterations trained on were found, e.g. "relaxed+given".
    """
    history = pd.read_csv(io.BytesIO(content), **EXACT)
    is_ensemble = "model_acc_mean" in history and history["iteration"].iloc[0] == 0
    first: Any = history.iloc[0] if is_ensemble else {}
    rules = history["rule"].iloc[:-1] if "rule" in history else ()  # nothing trains on the last set
    return {
        "rules": "+".join(dict.fromkeys(rules)) or None,
        **{f"first_phase_{name}": first.get(name) for name in ("acc", "model_acc_mean", "pseudo_label_acc")},
    }


def _shown(folder: Path) -> dict[str, bytes]:
    """Return the contents, by name, of the files in `SHOWN` that are small enough to keep."""
    found = {}
    for name in SHOWN:
        path = folder / name
        if path.is_file() and not path.is_symlink() and path.stat().st_size >= LARGEST_SHOWN:
            continue
        content = plain_file(path, LARGEST_SHOWN)
        if content is None:
            continue
        with reporting_damage(path):
            if name.endswith(".json"):
                json.loads(content)
            elif _unpacked(content) > MOST_UNPACKED:
                raise ValueError(f"more than {MOST_UNPACKED:,} bytes when it is unpacked")
        found[name] = content
    return found


def _unpacked(content: bytes) -> int:
    """Return the size in bytes of an unpacked .npz file, as it states itself; more is never read."""
    with zipfile.ZipFile(io.BytesIO(content)) as arrays:
        return sum(one.file_size for one in arrays.infolist())


def _read_ledger(results: Path) -> Iterator[FinishedRun]:
    """Yield the runs of a results/ folder."""
    content = plain_file(results / "runs.csv", LARGEST_LEDGER) or b""
    ledger = read_text_table(results / "runs.csv", content)
    with reporting_damage(results / "runs.csv"):
        if missing := [name for name in ("folder", "command", "dataset", *KEY) if name not in ledger]:
            raise ValueError(f"no column {missing[0]}")
        rows = ledger.to_dict("records")
        for row in rows:
            parts = row["folder"].split("/")
            if len(parts) != 4 or parts[0] != "runs" or not all(_PART.fullmatch(part) for part in parts):
                raise ValueError(f"no run has the folder {row['folder']}")
            if key(row["folder"]) != tuple(row[name] for name in KEY):
                raise ValueError(f"seed, hash and code of {row['folder']} are others")
    thresholds = _by_run(results, results / "thresholds.csv", ["t_pos", "t_neg"])
    histories = {
        dataset: _by_run(results, results / "history" / f"{dataset}.csv", ["iteration"])
        for dataset in {dataset_of(row["folder"]) for row in rows}
    }
    for row in rows:
        folder = row["folder"]
        place = results / shown_place(folder)
        if place.resolve() != place:
            raise InputError(f"{place} is reached by a link: leave it out")
        run = key(folder)
        yield FinishedRun(
            folder,
            {name: row[name] for name in ledger.columns},
            histories[dataset_of(folder)].get(run),
            thresholds.get(run),
            _shown(place),
        )


def shown_place(folder: str) -> Path:
    """Return the folder with a run's files `SHOWN`, relative to results/."""
    return Path("shown", folder.removeprefix("runs/"))


def _by_run(results: Path, path: Path, needed: Sequence[str]) -> dict[tuple[str, ...], pd.DataFrame]:
    if path.parent.resolve() != path.parent:
        raise InputError(f"{path.parent} is a link, not a folder: leave it out")
    content = plain_file(path, LARGEST_LEDGER)
    if content is None:
        return {}
    table = read_text_table(path, content)
    with reporting_damage(path):
        if not {*KEY, *needed} <= set(table):
            raise ValueError(f"no column {' or '.join([*KEY, *needed])}")
    return by_run(table)


def by_run(table: pd.DataFrame) -> dict[tuple[str, ...], pd.DataFrame]:
    """Split a table of many runs, with the columns `KEY` as text, into one table per run.

    Returns the rows of each run by its `key`, without the columns `KEY` and without columns that are empty
    for this run.
    """
    names = table.columns.drop(KEY)
    keys = [table[name] for name in KEY]
    filled = (table[names].notna() & (table[names] != "")).groupby(keys, sort=False).any()
    own = dict(zip(filled.index, filled.to_numpy(), strict=True))
    return {
        tuple(map(str, run)): rows[names[own[run]]].reset_index(drop=True)
        for run, rows in table.groupby(keys, sort=False)
    }
