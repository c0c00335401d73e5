"""Figure 4 of the paper: members of each final cluster, those in the wrong place framed."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kingdra_repro.runs.members import Members

CELL = 0.55  # inches
RED = "#CC0000"  # needs no telling from another colour: what is right has no frame


def members_figure(members: Members) -> Figure:
    """A row a cluster; members of another class than the cluster's are framed red."""
    n_clusters, n_members = members.pictures.shape[:2]
    figure = Figure(figsize=(CELL * n_members + 1, CELL * n_clusters + 0.5), layout="constrained")
    panel = figure.subplots()
    draw_members(panel, members, n_members)
    if members.scored:
        panel.set_title("random members of each cluster; framed: not of the cluster's class", fontsize=10)
    return figure


def draw_members(panel: Axes, members: Members, n_shown: int, line: float = 2.5) -> None:
    """Draw the first `n_shown` members of each cluster; `line` is the frames' width in points."""
    # One image of all pictures: an axes for each would take seconds to lay out.
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
        frame = Rectangle(corner, width, height, fill=False, edgecolor=RED, linewidth=line)
        frame.set_clip_on(False)
        panel.add_patch(frame)
    names = [f"{cluster} ({size:,})" for cluster, size in enumerate(members.sizes)]
    panel.set_yticks([row * height + high / 2 - 0.5 for row in range(n_clusters)], names)
    panel.set_xticks([])
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
