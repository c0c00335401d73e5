"""results/runs and results/runs.csv: what finished runs came to, wherever and whenever they were made.

A run is known by its data set, the hash of its settings and the version of the code: the same run twice is
one row, another version of the code another row.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from kingdra_repro.errors import InputError
from kingdra_repro.files import only_one, write_text
from kingdra_repro.provenance import code_version
from kingdra_repro.reproduce.packed import unpacked
from kingdra_repro.runs.reading import read_command

KEPT = (
    *("result.json", "history.csv", "votes.npz"),
    *("explorer.json", "thresholds.csv", "graph_sample.json", "members.npz"),
)
LARGEST = 400_000  # bytes of a file: results/ is committed
PART = ".part"  # what a copy is called until it is whole


def add_run(results: Path, folder: Path) -> Path:
    """Copy what a finished run left into results/runs, and write runs.csv anew.

    Parameters
    ----------
    results : Path
    folder : Path
        ``<dataset>/<method>[-<base>]/seed...`` with result.json: below outputs/ or results/runs/.

    Returns
    -------
    Path
        The run's folder in results/runs. One that is there already stays as it is.
    """
    with only_one(results / "runs.csv"):
        target = _copy(results, folder)
        _write_runs(results)
    return target


def merge(results: Path, below: Path) -> tuple[int, int]:
    """Take all finished runs below a folder of another machine: its outputs/, its results/ or its archive.

    Returns
    -------
    found, new : int

    Raises
    ------
    InputError
        Where there is no finished run, or one of them cannot be taken: then none is.
    """
    with unpacked(below) as from_archive, only_one(results / "runs.csv"):
        folders = [*_finished(below.resolve()), *_finished(from_archive)]
        if not folders:
            raise InputError(
                f"merge={below} has no finished runs: give a folder with result.json files or a runs-1.zip"
            )
        before = len(_run_folders(results))
        for folder in folders:
            _name(folder), _command(folder)
        for folder in folders:
            _copy(results, folder)
        _write_runs(results)
        return len(folders), len(_run_folders(results)) - before


def _finished(root: Path) -> list[Path]:
    found = sorted(path.parent for path in root.rglob("result.json"))
    return [folder for folder in found if PART not in folder.relative_to(root).parts]


def read_runs(results: Path) -> pd.DataFrame:
    """results/runs.csv, with at least the columns that tell runs apart; no rows where there is no file."""
    path = results / "runs.csv"
    if not path.exists():
        return pd.DataFrame(columns=["dataset", "config_hash", "code", "device", "wall_seconds", "folder"])
    return pd.read_csv(path, dtype=dict.fromkeys(("config_hash", "code", "commit", "features"), str))


def _copy(results: Path, folder: Path) -> Path:
    name, command = _name(folder), _command(folder)
    target = results / "runs" / folder.parent.parent.name / folder.parent.name / name
    if target.exists():
        return target
    part = results / "runs" / PART  # one at a time: the caller holds the lock
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for kept in KEPT:
        if (folder / kept).exists() and (folder / kept).stat().st_size < LARGEST:
            shutil.copyfile(folder / kept, part / kept)
    (part / "settings.txt").write_text(command + "\n")
    target.parent.mkdir(parents=True, exist_ok=True)
    part.rename(target)  # whole or not at all
    return target


def _command(folder: Path) -> str:
    if (command := read_command(folder)) is None:
        raise InputError(f"{folder} does not say what was run (.hydra/overrides.yaml): leave it out")
    return command


def _name(folder: Path) -> str:
    """What a result's folder is called; it may be from anywhere, and must not lead elsewhere."""
    path = folder / "result.json"
    try:
        result = json.loads(path.read_text())
        name = f"seed{result['seed']}-{result['config_hash']}-{code_version(result['commit'])}"
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path} is no result of a run: leave its folder out") from error
    code = r"([0-9a-f]{7}(-dirty)?|unknown)"
    if not re.fullmatch(rf"seed\d+-[0-9a-f]{{8}}-{code}(\+{code})*", name):
        raise InputError(f"{path} has a seed, hash or commit that no run has: leave its folder out")
    return name


def _run_folders(results: Path) -> list[Path]:
    return sorted(path.parent for path in (results / "runs").glob("*/*/*/result.json"))


def _write_runs(results: Path) -> None:
    runs = pd.DataFrame([_row(results, folder) for folder in _run_folders(results)])
    last = ["folder", "code"]  # whatever else the runs of some version of the code have
    runs = runs[[*runs.columns.difference(last, sort=False), *last]].convert_dtypes()
    write_text(results / "runs.csv", runs.to_csv(index=False, lineterminator="\n"))


def _row(results: Path, folder: Path) -> dict[str, Any]:
    result = json.loads((folder / "result.json").read_text())
    return {
        "command": (folder / "settings.txt").read_text().strip(),
        **result,
        **_from_history(folder / "history.csv"),
        "folder": folder.relative_to(results).as_posix(),
        "code": code_version(result["commit"]),
    }


def _from_history(path: Path) -> dict[str, Any]:
    """Of methods that have an ensemble, the scores after the phase without pseudo-labels; of those with
    iterations, how the sets that these trained on came about, e.g. "relaxed+given".
    """
    first: dict[str, Any] = {}
    rules: list[str] = []
    if path.exists():
        history = pd.read_csv(path)
        if "model_acc_mean" in history and history["iteration"].iloc[0] == 0:
            first = {str(column): value for column, value in history.iloc[0].items()}
        if "rule" in history:  # an iteration's set is what the next one trains on
            rules = list(dict.fromkeys(history["rule"].iloc[:-1]))
    return {
        "rules": "+".join(rules) or None,
        "first_phase_acc": first.get("acc"),
        "first_phase_model_acc_mean": first.get("model_acc_mean"),
        "first_phase_pseudo_label_acc": first.get("pseudo_label_acc"),
    }
