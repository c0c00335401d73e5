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
MOST_SIZES = 30  # clusters whose sizes are all shown


def show_table(result: dict[str, Any], folder: Path) -> None:
    """Print a run's scores, and where it lies.

    Parameters
    ----------
    result : dict
        As in result.json; scores that are None (no classes known) are left out.
    folder : Path
        The run's folder.
    """
    console = Console()
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
    console.print(title, soft_wrap=True, highlight=False, markup=False)
    console.print(table)
    if (kept := result.get("kept_iteration")) is not None:
        console.print(
            f"kept the answer of iteration {kept}, whose modularity is the largest", highlight=False
        )
    if sizes := result.get("cluster_sizes"):  # older runs do not tell
        console.print(f"cluster sizes: {_sizes(sizes)}", soft_wrap=True, highlight=False)
    if (found := result.get("clusters_found", result["k"])) < result["k"]:
        console.print(f"only {found} of the {result['k']} clusters have points", highlight=False)
    console.print(f"run folder: {_shortest(folder)}", soft_wrap=True, highlight=False, markup=False)


def _cell(name: str, value: float) -> str:
    match name:
        case "wall_seconds":
            return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
        case "n_pseudo_labels":
            return f"{value:,}"
        case _:
            return f"{value:.4f}"


def _sizes(sizes: list[int]) -> str:
    """Show the sizes of cluster 0, 1 ...; of many clusters the smallest, the middle and the largest one's."""
    if len(sizes) <= MOST_SIZES:
        return " ".join(f"{size:,}" for size in sizes)
    low, middle, high = (sorted(sizes)[place] for place in (0, len(sizes) // 2, -1))
    return f"from {low:,} to {high:,}, the median {middle:,}"


def _shortest(folder: Path) -> Path:
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
