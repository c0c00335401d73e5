"""results/: the results of finished runs, wherever and whenever they were made.

runs.csv            the table of runs: one row per run, with its command
history/*.csv       one row per iteration, one file per data set
thresholds.csv      mini-clusters under other thresholds, for all runs that have an ensemble
shown/              the clusters, members and graphs that the page and the figures show
failed.csv          see kingdra_repro.reproduce.failures

A run is identified by its data set, its seed, the hash of its settings and the version of the code: the same
run twice is one row, and another version of the code gives another row. Each file is written atomically,
under one lock, runs.csv last. When two branches added lines, git keeps both (.gitattributes); `tidy` sorts
them.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd

from kingdra_repro.errors import InputError
from kingdra_repro.files import atomic_write, file_lock, write_text
from kingdra_repro.reproduce.failures import read_failures
from kingdra_repro.reproduce.finished import (
    KEY,
    FinishedRun,
    by_run,
    dataset_of,
    find_runs,
    key,
    read_folder,
    shown_place,
)
from kingdra_repro.reproduce.packed import pack_run, unpacked
from kingdra_repro.reproduce.strict_reading import read_table

TEXT = dict.fromkeys(("config_hash", "code", "commit", "features"), str)  # even if they are all digits


def add_run(results: Path, folder: Path, archive: Path | None = None) -> str:
    """Add a finished run from its folder below outputs/, and pack a copy of it into an archive, if given.

    Returns the run's name, as in the column "folder" of runs.csv. A run that is there already is not changed.
    """
    with file_lock(results / "runs.csv"):
        run = read_folder(folder)
        if archive is not None:
            pack_run(archive, run.folder, folder)  # first: a run that results/ has is never packed again
        _take(results, [run])
    return run.folder


def merge(results: Path, below: Path) -> tuple[int, int]:
    """Add all finished runs below a folder of another machine: its outputs/, its results/ or its archive.

    Returns the number of runs, and of those that are new. Raises InputError if there is no such folder or no
    finished run in it, or if one of them cannot be read: then none is added.
    """
    give = "give a folder with result.json files, a results/ or a runs-1.zip"
    if not below.exists():
        raise InputError(f"merge={below} does not exist: {give}")
    with unpacked(below) as from_archive:
        runs = {run.folder: run for root in (from_archive, below) for run in find_runs(root)}
    if not runs:
        raise InputError(f"merge={below} has no finished runs: {give}")
    with file_lock(results / "runs.csv"):
        before = len(read_runs(results))
        _take(results, list(runs.values()))
        return len(runs), len(read_runs(results)) - before


def read_runs(results: Path) -> pd.DataFrame:
    """Return runs.csv, with at least ``folder`` and ``config_hash``; no rows if there is no file.

    Like the other readers here, raises InputError if the file is damaged: a truncated row must not pass for a
    finished run.
    """
    table = read_table(results / "runs.csv", ("folder", "config_hash"), TEXT)
    if table is None:
        return pd.DataFrame(columns=["dataset", "config_hash", "code", "device", "wall_seconds", "folder"])
    return table


def read_rows(results: Path) -> list[dict[str, str]]:
    """Return the rows of runs.csv as text; an empty list if there is no file."""
    table = read_table(results / "runs.csv", ("folder", "dataset", "method", "seed"))
    return [] if table is None else table.to_dict("records")  # type: ignore[return-value]


def check_readable(results: Path) -> None:
    """Read all files that runs will be added to, so that damaged files are found before any run is made."""
    for dataset in set(map(dataset_of, read_runs(results)["folder"])):
        read_table(results / "history" / f"{dataset}.csv", KEY)
    read_table(results / "thresholds.csv", KEY)
    read_failures(results)


def read_histories(results: Path) -> dict[str, pd.DataFrame]:
    """Return the history.csv of each run that has one, by the run's folder."""
    folders = list(read_runs(results)["folder"])
    found = dict[str, pd.DataFrame]()
    for dataset in dict.fromkeys(map(dataset_of, folders)):
        mine = [folder for folder in folders if dataset_of(folder) == dataset]
        found |= _of_runs(results / "history" / f"{dataset}.csv", mine)
    return found


def read_thresholds(results: Path) -> dict[str, pd.DataFrame]:
    """Return the thresholds.csv of each run that has one, by the run's folder."""
    return _of_runs(results / "thresholds.csv", list(read_runs(results)["folder"]))


def shown_file(results: Path, folder: str, name: str) -> Path:
    """Return the path of a run's explorer.json, graph_sample.json or members.npz, which may not exist."""
    return results / shown_place(folder) / name


def keep_shown(results: Path, wanted: Mapping[str, Collection[str]], known: Collection[str]) -> None:
    """Remove files that nothing shows.

    Parameters
    ----------
    wanted : mapping from str to a collection of str
        By file name, the folders of the runs whose file is kept.
    known : collection of str
        The folders of all runs that `wanted` was chosen from. Files of runs that another process added since
        then are kept.
    """
    with file_lock(results / "runs.csv"):
        added = set(read_runs(results)["folder"]).difference(known)
        for name, folders in wanted.items():
            kept = {shown_file(results, folder, name) for folder in added.union(folders)}
            for path in set(results.glob(f"shown/*/*/*/{name}")) - kept:
                path.unlink()
        for depth in ("*/*/*", "*/*", "*"):
            for folder in results.glob(f"shown/{depth}"):
                if not any(folder.iterdir()):
                    folder.rmdir()


def tidy(results: Path) -> None:
    """Sort the lines that two branches added and drop duplicates, keeping the first lines of each run."""
    if not (results / "runs.csv").exists():
        return
    with file_lock(results / "runs.csv"):
        for path, once, order in (
            *((path, [*KEY, "iteration"], KEY) for path in sorted(results.glob("history/*.csv"))),
            (results / "thresholds.csv", [*KEY, "t_pos", "t_neg"], KEY),
            (results / "runs.csv", ["folder"], ["folder"]),
        ):
            if path.exists():
                _write(path, _read(path).drop_duplicates(once), order)


def _take(results: Path, runs: list[FinishedRun]) -> None:
    """Write what is not there yet; a run is there if runs.csv has its row. The caller holds the lock."""
    ledger = _read(results / "runs.csv")
    new = {run.folder for run in runs}.difference(ledger.get("folder", ()))
    for dataset in dict.fromkeys(run.dataset for run in runs):
        tables = {run: run.history for run in runs if run.dataset == dataset}
        _add_tables(results / "history" / f"{dataset}.csv", tables, new)
    _add_tables(results / "thresholds.csv", {run: run.thresholds for run in runs}, new)
    for run in runs:
        for name, content in run.shown.items():
            path = shown_file(results, run.folder, name)
            if run.folder in new or not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                atomic_write(path, lambda file, content=content: file.write(content))  # type: ignore[misc]
    rows = [run.row for run in runs if run.folder in new]
    if rows:
        table = pd.concat([ledger, pd.DataFrame(rows, dtype=str)], ignore_index=True).fillna("")
        last = ["folder", "code"]  # after columns that only some versions of the code have
        _write(results / "runs.csv", table[[*table.columns.difference(last, sort=False), *last]], ["folder"])


def _add_tables(path: Path, tables: Mapping[FinishedRun, pd.DataFrame | None], new: Collection[str]) -> None:
    """Add the tables of runs that the file lacks; replace those of new runs, left over from a killed call."""
    known = _read(path)
    keys = set(known[KEY].itertuples(index=False, name=None)) if len(known) else set()
    stale = {run.key for run in tables if run.folder in new} & keys
    if stale:
        known = known[[one not in stale for one in known[KEY].itertuples(index=False, name=None)]]
    added = [
        table.assign(**dict(zip(KEY, run.key, strict=True)))[[*KEY, *table.columns]]
        for run, table in tables.items()
        if table is not None and (run.folder in new or run.key not in keys)
    ]
    if added or stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, pd.concat([known, *added], ignore_index=True).fillna(""), KEY)


def _read(path: Path) -> pd.DataFrame:
    table = read_table(path)
    return pd.DataFrame(dtype=str) if table is None else table


def _write(path: Path, table: pd.DataFrame, order: list[str]) -> None:
    """Write a table of text, sorted; do nothing if the file has the same content already."""

    def parts(column: pd.Series) -> pd.Series:
        if column.name == "seed":
            return column.astype(int)
        return column.str.split("/") if column.name == "folder" else column

    text = table.sort_values(order, key=parts, kind="stable").to_csv(index=False, lineterminator="\n")
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def _of_runs(path: Path, folders: Collection[str]) -> dict[str, pd.DataFrame]:
    table = read_table(path, KEY, dict.fromkeys(KEY, str))
    if table is None:
        return {}
    tables = by_run(table)
    return {folder: tables[key(folder)] for folder in folders if key(folder) in tables}
