"""Figure 4 of the paper: random members of the final clusters, with the misplaced ones framed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kingdra_repro.report.figures.histories import shown_runs
from kingdra_repro.report.figures.style import RED, WIDTH, new_figure
from kingdra_repro.reproduce.store import shown_file
from kingdra_repro.runs.members import MEMBERS, Members

COLUMNS = 2
SHOWN = 8  # members per cluster; a panel that spans the page shows all MEMBERS


def figure4(results: Path, cells: pd.DataFrame) -> Figure | None:
    """Draw one panel per data set and order, from its first run, if that run has members.npz.

    Only runs on pictures have that file. Features that came without their pictures (8-bit ones of CIFAR10)
    have none.
    """
    found = [
        (name, Members.read(path))
        for name, runs in shown_runs(cells, "figure4")
        if (path := shown_file(results, runs["folder"].iloc[0], "members.npz")).exists()
    ]
    return members_figure(found) if found else None


def members_figure(found: Sequence[tuple[str, Members]]) -> Figure:
    """Draw one panel per name: one row per cluster, with members of another class framed."""
    columns = min(COLUMNS, len(found))
    bands = -(-len(found) // columns)
    shown = SHOWN if columns > 1 else MEMBERS
    most = max(len(members.pictures) for _, members in found)
    cell = (WIDTH / columns - 0.65) / shown
    figure = new_figure(bands * (most * cell + 0.4) + 0.2)
    panels = figure.subplots(bands, columns, squeeze=False)
    for panel, (name, members) in zip(panels.flat, found, strict=False):
        _draw(panel, members, shown)
        panel.set_title(name, parse_math=False)  # a file's name may contain dollar signs
    if any(members.scored for _, members in found):
        figure.supxlabel("framed: not of the cluster's class", fontsize=8)
    for panel in panels.flat[len(found) :]:
        panel.remove()
    return figure


def _draw(panel: Axes, members: Members, n_shown: int) -> None:
    """Draw the first `n_shown` members of each cluster."""
    # All pictures go into one image: one axes per picture would take seconds to lay out.
    pictures = members.pictures[:, :n_shown]
    n_clusters, n_shown, high, wide = pictures.shape[:4]
    gap = max(1, wide // 8)
    height, width = high + gap, wide + gap
    sheet = np.full((n_clusters * height, n_shown * width, *pictures.shape[4:]), 255, np.uint8)
    for row in range(n_clusters):
        for column in range(n_shown):
            top, left = row * height, column * width
            sheet[top : top + high, left : left + wide] = pictures[row, column]
    panel.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    for row, column in np.argwhere(members.wrong[:, :n_shown]):
        corner = (column * width - gap / 2 - 0.5, row * height - gap / 2 - 0.5)
        frame = Rectangle(corner, width, height, fill=False, edgecolor=RED, linewidth=0.9)
        frame.set_clip_on(False)
        panel.add_patch(frame)
    names = [f"{cluster} ({size:,})" for cluster, size in enumerate(members.sizes)]
    panel.set_yticks([row * height + high / 2 - 0.5 for row in range(n_clusters)], names)
    panel.set_xticks([])
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    panel.grid(False)
