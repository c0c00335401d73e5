"""What a run prints at the end."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

COLUMNS = {
    "acc": "ACC",
    "nmi": "NMI",
    "ari": "ARI",
    "purity": "purity",
    "n_pseudo_labels": "pseudo-labels",
    "wall_seconds": "seconds",
}
MOST_SIZES = 30  # with more clusters, the sizes are summarised


def say(line: str, console: Console | None = None) -> None:
    """Print a line unchanged: a path in it is not wrapped, coloured or read as markup."""
    (console or Console()).print(line, soft_wrap=True, highlight=False, markup=False)


def show_table(result: dict[str, Any], folder: Path) -> None:
    """Print the scores in result.json, except those that are None (classes unknown), and the run's folder."""
    names = [result["dataset"], result["method"], result["base"], f"seed {result['seed']}"]
    if result.get("n_labels"):
        names.append(f"{result['n_labels']} labels given")
    if result.get("links"):
        names.append(f"{result['links_kept']} of {result['links']} pairs kept")
    title = " · ".join(name for name in names if name is not None)
    table = Table()
    known = {name: heading for name, heading in COLUMNS.items() if result[name] is not None}
    for heading in known.values():
        table.add_column(heading, justify="right")
    table.add_row(*(_cell(name, result[name]) for name in known))
    say(title)
    Console().print(table)
    if (kept := result.get("kept_iteration")) is not None:
        say(f"kept the answer of iteration {kept}, whose modularity is the largest")
    if sizes := result.get("cluster_sizes"):  # missing in older runs
        say(f"cluster sizes: {_sizes(sizes)}")
    if (found := result.get("clusters_found", result["k"])) < result["k"]:
        say(f"only {found} of the {result['k']} clusters have points")
    here = Path.cwd()
    say(f"run folder: {folder.relative_to(here) if folder.is_relative_to(here) else folder}")


def _cell(name: str, value: float) -> str:
    match name:
        case "wall_seconds":
            return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
        case "n_pseudo_labels":
            return f"{value:,}"
        case _:
            return f"{value:.4f}"


def _sizes(sizes: list[int]) -> str:
    """Format the sizes of clusters 0, 1 ...; of many clusters, only the smallest, median and largest size."""
    if len(sizes) <= MOST_SIZES:
        return " ".join(f"{size:,}" for size in sizes)
    low, middle, high = (sorted(sizes)[place] for place in (0, len(sizes) // 2, -1))
    return f"from {low:,} to {high:,}, the median {middle:,}"
