"""Shared by all figures: colours, sizes for print, and reproducible files."""

from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kingdra_repro.files import atomic_write

# Okabe & Ito, "Color Universal Design" (2008): distinguishable for colour-blind readers.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#777777"
RED = "#CC0000"  # for frames of misplaced members; right ones have no frame, so no second colour is needed
# In the order in which lines or classes use them; BLACK is for text and edges.
CYCLE = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

WIDTH = 5.5  # inches: width of a page's text
STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "lines.linewidth": 1.4,
    "lines.markersize": 3.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "svg.hashsalt": "kingdra",  # otherwise ids inside the file are random
}
# Without date and version, so that redrawing the same figure gives the same file.
FORMATS: Any = {
    ".png": {"format": "png", "dpi": 200, "metadata": {"Software": None}},
    ".svg": {"format": "svg", "metadata": {"Date": None, "Creator": None}},
}


def new_figure(height: float) -> Figure:
    """Make an empty figure as wide as the text, without pyplot: it needs no display and no closing."""
    return Figure(figsize=(WIDTH, height), layout="constrained")


def save(figure: Figure, path: Path) -> None:
    """Write the figure atomically, as PNG (200 dpi) or SVG depending on the suffix of the path."""
    with matplotlib.rc_context(STYLE):
        atomic_write(path, lambda file: figure.savefig(file, **FORMATS[path.suffix]))


def band(panel: Axes, x: pd.Index, low: pd.Series, high: pd.Series, color: str) -> None:
    """Shade the range over seeds, or over models, behind a line."""
    panel.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)
