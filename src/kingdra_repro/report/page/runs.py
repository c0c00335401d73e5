"""What the page says of a run: its settings, its result, its history."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kingdra_repro.runs.reading import read_command, reading

# Columns of history.csv that are drawn.
CURVES = ("acc", "model_acc_mean", "pseudo_label_acc", "agreement", "n_pseudo_labels", "loss")

FACTS = {
    "dataset": "data set",
    "method": "method",
    "base": "base model",
    "seed": "seed",
    "n": "points",
    "d": "features",
    "k": "clusters to find",
    "clusters_found": "clusters found",
    "acc": "ACC",
    "nmi": "NMI",
    "ari": "ARI",
    "purity": "purity",
    "agreement": "agreement of the models",
    "n_pseudo_labels": "pseudo-labels",
    "mini_clusters": "mini-clusters",
    "n_labels": "labels given",
    "wall_seconds": "seconds",
    "device": "device",
    "finished": "finished",
    "version": "version",
    "commit": "commit",
    "config_hash": "settings' hash",
    "features": "checksum of the features",
}
PERCENT = {"acc", "nmi", "ari", "purity", "agreement"}
COUNTS = {"seed", "n", "d", "k", "clusters_found", "n_pseudo_labels", "mini_clusters", "n_labels"}


def run_entry(result: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A run, for the page's scripts.

    Parameters
    ----------
    result : mapping
        As in result.json, or a row of runs.csv (all values text, "" for none).
    folder : Path
        The run's folder: its history and command are read there, where it has them.

    Returns
    -------
    dict
        ``name``; ``command``, or None where it is not known; ``facts``, pairs of a name and a value as
        text; ``history``, numbers by column, None where there is none.
    """
    return {
        "name": run_name(result),
        "command": read_command(folder) or result.get("command") or None,
        "facts": [[FACTS[name], fact(name, result[name])] for name in FACTS if _known(result, name)],
        "history": read_history(folder / "history.csv"),
    }


def run_name(result: Mapping[str, Any]) -> str:
    """Method, base model and seed, e.g. ``kingdra-ladder_im, seed 0``."""
    base = f"-{result['base']}" if result.get("base") else ""
    return f"{result['method']}{base}, seed {result['seed']}"


def fact(name: str, value: Any) -> str:
    """A value of result.json as the page shows it: shares in percent."""
    if name in PERCENT:
        return f"{100 * float(value):.1f}"
    if name in COUNTS:
        return f"{float(value):,.0f}"
    return f"{float(value):,.1f}" if name == "wall_seconds" else str(value)


def read_history(path: Path) -> dict[str, list[float | None]] | None:
    """The columns of history.csv that are drawn and known, rounded; None where there is nothing to draw."""
    if not path.exists():
        return None
    with reading(path), path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = {name: [_number(row.get(name)) for row in rows] for name in ("iteration", *CURVES)}
    known = {name: values for name, values in columns.items() if any(one is not None for one in values)}
    return known if "iteration" in known and len(known) > 1 else None


def _known(result: Mapping[str, Any], name: str) -> bool:
    value = result.get(name)
    return value is not None and value != "" and not (name == "n_labels" and float(value) == 0)


def _number(text: str | None) -> float | None:
    """A number with five digits; None for an empty or foreign cell."""
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return float(f"{value:.5g}") if abs(value) < float("inf") else None
