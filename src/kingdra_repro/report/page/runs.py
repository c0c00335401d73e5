"""The page's data about runs: settings, result and history of each, and the table of all runs."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from kingdra_repro.report.tables.html import sort_header

# Columns of history.csv that are drawn.
CURVES = ("acc", "model_acc_mean", "pseudo_label_acc", "agreement", "n_pseudo_labels", "loss")

FACT_LABELS = {
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


def run_entry(result: Mapping[str, Any], command: str | None, history: pd.DataFrame | None) -> dict[str, Any]:
    """Return a run's data for the page's scripts.

    Parameters
    ----------
    result : as in result.json, or a row of runs.csv (all values are text, "" if missing)
    command : the command line that started the run

    Returns
    -------
    dict
        ``name``; ``command``, or None if unknown; ``facts``, pairs of a name and a value as text;
        ``history``, numbers by column, or None if there is none.
    """
    return {
        "name": run_name(result),
        "command": command or None,
        "facts": [
            [label, format_fact(name, result[name])]
            for name, label in FACT_LABELS.items()
            if _known(result, name)
        ],
        "history": None if history is None else curve_data(history),
    }


def run_name(result: Mapping[str, Any]) -> str:
    """Return method, base model and seed, e.g. ``kingdra-ladder_im, seed 0``."""
    base = f"-{result['base']}" if result.get("base") else ""
    return f"{result['method']}{base}, seed {result['seed']}"


def format_fact(name: str, value: Any) -> str:
    """Format a value of result.json for the page; shares are in percent."""
    if name in PERCENT:
        return f"{100 * float(value):.1f}"
    if name in COUNTS:
        return f"{float(value):,.0f}"
    return f"{float(value):,.1f}" if name == "wall_seconds" else str(value)


def curve_data(history: pd.DataFrame) -> dict[str, list[float | None]] | None:
    """Return the columns of history.csv that are drawn, rounded; None if there is nothing to draw."""
    named = [name for name in ("iteration", *CURVES) if name in history]
    columns = {name: [_number(value) for value in history[name]] for name in named}
    known = {name: values for name, values in columns.items() if any(one is not None for one in values)}
    return known if "iteration" in known and len(known) > 1 else None


def _known(result: Mapping[str, Any], name: str) -> bool:
    value = result.get(name)
    return value is not None and value != "" and not (name == "n_labels" and float(value) == 0)


def _number(cell: Any) -> float | None:
    """Return the cell rounded to five significant digits; None if it is empty or not a finite number."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return float(f"{value:.5g}") if abs(value) < float("inf") else None


def runs_section(rows: Sequence[dict[str, str]]) -> str:
    """Return the table of all runs as HTML; each run's name opens its details.

    Each row has ``folder`` and the values as text, by heading. All rows have the same keys.
    """
    if not rows:
        return ""
    headings = [name for name in rows[0] if name != "folder"]
    head = "".join(sort_header(name) for name in headings)
    body = "\n".join(
        "<tr>" + "".join(_run_value(row, heading, headings[0]) for heading in headings) + "</tr>"
        for row in rows
    )
    return f"""<section class="card table" id="all-runs">
<h3>All {len(rows):,} runs</h3>
<div class="scroll tall" role="region" tabindex="0" aria-label="All runs">
<table class="plain">
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
</div>
</section>"""


def _run_value(row: dict[str, str], heading: str, first: str) -> str:
    text = row[heading]
    if heading == first:
        return (
            f'<th scope="row" data-value="{escape(text)}"><button type="button" class="link" '
            f'data-title="{escape(text)}" data-about="" data-runs="{escape(row["folder"])}">'
            f"{escape(text)}</button></th>"
        )
    return f'<td data-value="{escape(text.replace(",", ""))}">{escape(text)}</td>'
