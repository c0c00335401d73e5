"""A table of many runs, for the terminal and as CSV."""

import logging
from collections.abc import Collection, Hashable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kingdra_repro.errors import InputError
from kingdra_repro.evaluation.n_clusters import NumberOfClusters
from kingdra_repro.evaluation.without_labels import MEASURES
from kingdra_repro.runs.display import say
from kingdra_repro.runs.reading import read_command, read_result

log = logging.getLogger(__name__)

# Columns of the CSV, in this order, and their headings on the terminal (None: no column of its own there).
COLUMNS = {
    "dataset": "data",
    "method": "method",
    "base": None,  # shown with the method
    "seed": None,
    "n": "points",
    "d": None,
    "k": "k",
    "smallest_cluster": "sizes",
    "largest_cluster": None,  # shown with the smallest
    "acc": "ACC",
    "nmi": None,
    "ari": None,
    "agreement": "agree",
    "n_pseudo_labels": None,
    "rules": None,
    "wall_seconds": None,
    "finished": "finished",
    "folder": "folder",
    "command": None,
}
WORDS = ("dataset", "method")  # these may wrap on a narrow terminal
WIDE = 160  # characters per line if output is not to a terminal
SHARES = ("acc", "agreement")


def finished_runs(folder: Path) -> list[Path]:
    """Return the folders of all finished runs below a folder, sorted by path."""
    return sorted(path.parent for path in folder.rglob("result.json") if path.is_file())


def tabulate(folders: Iterable[Path], below: Path | None = None) -> pd.DataFrame:
    """Tabulate finished runs with the columns `COLUMNS`; skip damaged runs with a warning.

    Folders are relative to `below`, if given. Scores are missing if classes were unknown, and sizes and rules
    in runs of older versions.
    """
    rows: list[dict[str, Any]] = []
    for folder in folders:
        try:
            result = read_result(folder)
            sizes = result.get("cluster_sizes") or [None]
            found = {"smallest_cluster": min(sizes), "largest_cluster": max(sizes)}
            place = folder if below is None else folder.relative_to(below)
            rows.append({**result, **found, "folder": str(place), "command": read_command(folder)})
        except (InputError, OSError, TypeError) as error:
            log.warning("left out: %s", error)
    return pd.DataFrame([{name: row.get(name) for name in COLUMNS} for row in rows], columns=list(COLUMNS))


def show_runs(table: pd.DataFrame, varied: Collection[str] = ()) -> None:
    """Print a table of `tabulate`, with the extra columns ``varied``; columns without values are left out."""
    console = Console()
    if not console.is_terminal:
        console.width = WIDE
    more = {name: name for name in varied if name != "base"}  # shown with the method
    headings = {name: COLUMNS.get(name) or more.get(name) for name in map(str, table)}
    shown = {name: heading for name, heading in headings.items() if heading and table[name].notna().any()}
    printed = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name, heading in shown.items():
        left = name in (*WORDS, "finished", "folder")
        printed.add_column(
            heading,
            justify="left" if left else "right",
            overflow="fold",
            no_wrap=name in COLUMNS and name not in WORDS,
        )
    for row in table.to_dict("records"):
        # As `Text`: in a string, [a] would be markup.
        printed.add_row(*(Text(_cell(name, row)) for name in shown))
    console.print(printed)


def _cell(name: str, row: dict[Hashable, Any]) -> str:
    value = row[name]
    if pd.isna(value):
        return ""
    if name == "method":
        return str(value) if pd.isna(row["base"]) else f"{value}-{row['base']}"
    if name == "smallest_cluster":
        return f"{value:,.0f}–{row['largest_cluster']:,.0f}"
    if name == "folder":
        return Path(value).name
    if name == "finished":
        return str(value)[:10]
    if name in SHARES:
        return f"{value:.3f}"
    return f"{value:,.0f}" if name in ("n", "k") else str(value)


def n_clusters_table(folders: Iterable[Path]) -> pd.DataFrame:
    """Tabulate the number of clusters of finished runs and its measures without labels, for `recommend`."""
    results = [read_result(folder) for folder in folders]
    return pd.DataFrame(
        [{name: result.get(name) for name in ("k", "clusters_found", *MEASURES)} for result in results]
    )


def show_n_clusters(choice: NumberOfClusters) -> None:
    """Print the measures of each number of clusters, the recommended one in bold, and the reason."""
    shown = [name for name in MEASURES if choice.table[name].notna().any()]
    printed = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in ("k", "found", *(MEASURES[name] for name in shown), "score"):
        printed.add_column(heading, justify="right")
    for row in choice.table.to_dict("records"):
        cells = [f"{row[name]:.3f}" if pd.notna(row[name]) else "" for name in (*shown, "score")]
        style = "bold" if row["k"] == choice.n_clusters else None
        printed.add_row(f"{row['k']:.0f}", f"{row['clusters_found']:.0f}", *cells, style=style)
    Console().print(printed)
    say(choice.reason)
