"""The table at the end of a run."""

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
    title = " · ".join(name for name in names if name is not None)
    table = Table()
    known = {name: heading for name, heading in COLUMNS.items() if result[name] is not None}
    for heading in known.values():
        table.add_column(heading, justify="right")
    table.add_row(*(_cell(name, result[name]) for name in known))
    console.print(title, highlight=False, markup=False)
    console.print(table)
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


def _shortest(folder: Path) -> Path:
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
