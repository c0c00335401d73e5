"""Figure 4: random members of the final clusters, those in the wrong place framed."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from kingdra_repro.report.figures.histories import shown_runs
from kingdra_repro.report.figures.members import draw_members
from kingdra_repro.report.figures.style import WIDTH, new_figure
from kingdra_repro.runs.members import MEMBERS, Members

COLUMNS = 2
SHOWN = 8  # of each cluster; a panel that has the page's width to itself shows all there are


def figure4(results: Path, cells: pd.DataFrame) -> Figure | None:
    """A panel a data set and order, of its first run that left members.npz: of pictures alone.

    Features that came without their pictures (8-bit ones of CIFAR10) leave none.

    Parameters
    ----------
    results : Path
    cells : DataFrame, see `kingdra_repro.report.figures.draw`

    Returns
    -------
    Figure, or None where there are no runs yet
    """
    found = [
        (name, Members.read(path))
        for name, runs in shown_runs(cells, "figure4")
        if (path := results / runs["folder"].iloc[0] / "members.npz").exists()
    ]
    if not found:
        return None
    columns = min(COLUMNS, len(found))
    bands = -(-len(found) // columns)
    shown = SHOWN if columns > 1 else MEMBERS
    most = max(len(members.pictures) for _, members in found)
    cell = (WIDTH / columns - 0.65) / shown
    figure = new_figure(bands * (most * cell + 0.4) + 0.2)
    panels = figure.subplots(bands, columns, squeeze=False)
    for panel, (name, members) in zip(panels.flat, found, strict=False):
        draw_members(panel, members, shown, line=0.9)
        panel.grid(False)
        panel.set_title(name)
    if any(members.scored for _, members in found):
        figure.supxlabel("framed: not of the cluster's class", fontsize=8)
    for panel in panels.flat[len(found) :]:
        panel.remove()
    return figure
