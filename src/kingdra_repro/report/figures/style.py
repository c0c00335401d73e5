"""What all figures share: colours, sizes for print, and files that redrawing does not change."""

from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kingdra_repro.files import atomic_write

# Okabe & Ito, "Color Universal Design" (2008): colour-blind readers tell them apart.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#777777"
RED = "#CC0000"  # for frames, which need no telling from another colour: what is right has none
# In the order in which lines or classes take them; BLACK is for text and for edges.
CYCLE = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

WIDTH = 5.5  # inches: the text of a page
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
    "svg.hashsalt": "kingdra",  # names inside the file are otherwise random
}
# Without date and version, so that the same figure is the same file.
FORMATS: Any = {
    ".png": {"format": "png", "dpi": 200, "metadata": {"Software": None}},
    ".svg": {"format": "svg", "metadata": {"Date": None, "Creator": None}},
}


def new_figure(height: float) -> Figure:
    """Make an empty figure as wide as the text. One made without pyplot needs no display and no closing."""
    return Figure(figsize=(WIDTH, height), layout="constrained")


def save(figure: Figure, path: Path) -> None:
    """Write the figure whole or not at all, as PNG (200 dots an inch) or SVG by the file's name."""
    with matplotlib.rc_context(STYLE):
        atomic_write(path, lambda file: figure.savefig(file, **FORMATS[path.suffix]))


def band(panel: Axes, x: pd.Index, low: pd.Series, high: pd.Series, color: str) -> None:
    """Draw the range of seeds, or of models, behind a line."""
    panel.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)
