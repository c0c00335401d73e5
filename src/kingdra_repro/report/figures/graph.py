"""Figure 3: the similarity graph of a sample of points in the first iterations."""

from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from kingdra_repro.report.figures.histories import shown_runs
from kingdra_repro.report.figures.style import BLACK, CYCLE, GREY, MARKERS, WIDTH, new_figure
from kingdra_repro.reproduce.store import shown_file
from kingdra_repro.runs.graph_files import GraphSample

ITERATIONS = 3
MIN_AGREEING_MODELS = 2  # models that must agree for a grey edge
MIN_DISTANCE = 0.4  # layout distance of two points if all models agree on them; MIN_DISTANCE + 1 if none do


def figure3(results: Path, cells: pd.DataFrame) -> Figure | None:
    """Draw one row per data set and order, with one panel per iteration.

    The graph of iteration i is the one its pseudo-labels come from, built from the models' predictions before
    that iteration's training (for iteration 1: after the phase without pseudo-labels). Black edges: all
    models agree; grey edges: at least two. A point's colour and marker show its class.
    """
    found = [
        (name, GraphSample.read(path))
        for name, runs in shown_runs(cells, "figure3")
        if (path := shown_file(results, runs["folder"].iloc[0], "graph_sample.json")).exists()
    ]
    if not found:
        return None
    figure = new_figure(0.45 + len(found) * (WIDTH / ITERATIONS + 0.1))
    panels = figure.subplots(len(found), ITERATIONS, squeeze=False)
    for row, (name, sample) in zip(panels, found, strict=True):
        positions: dict[int, np.ndarray] | None = None
        for index, panel in enumerate(row):
            if index >= len(sample.votes):
                panel.remove()
                continue
            agree = agreements(np.array(sample.votes[index]))
            positions = layout_positions(agree, len(sample.votes[index]), positions)
            _draw(panel, agree, len(sample.votes[index]), positions, sample.classes)
            panel.set_title(f"iteration {index + 1}")
        row[0].set_ylabel(name.replace(", ", "\n"))
    figure.legend(handles=_legend(found[0][1].classes), loc="outside lower center", ncols=7, frameon=False)
    return figure


def agreements(votes: np.ndarray) -> np.ndarray:
    """Count the models that agree on each pair: int array [s, s], diagonal 0, from votes [n_models, s]."""
    agree = (votes[:, :, None] == votes[:, None, :]).sum(0)
    np.fill_diagonal(agree, 0)
    return agree


def layout_positions(
    agree: np.ndarray, n_models: int, start: dict[int, np.ndarray] | None
) -> dict[int, np.ndarray]:
    """Compute positions (x, y) by Kamada and Kawai: the more models agree, the closer two points are.

    `agree` is an int array [s, s]. Points on which all models agree are kept apart, so that their edges stay
    visible. `start` holds initial positions, so that points stay close to them; None for the first panel.
    """
    distance = MIN_DISTANCE + 1 - agree / n_models
    wanted = {i: dict(enumerate(of_point)) for i, of_point in enumerate(distance.tolist())}
    return nx.kamada_kawai_layout(nx.from_numpy_array(agree), dist=wanted, pos=start, weight=None)


def _draw(
    panel: Axes, agree: np.ndarray, n_models: int, positions: dict[int, np.ndarray], classes: list[int] | None
) -> None:
    xy = np.array([positions[point] for point in range(len(agree))])
    upper = np.triu(agree)
    for joined, color, width, alpha in (
        ((upper >= MIN_AGREEING_MODELS) & (upper < n_models), GREY, 0.3, 0.3),
        (upper == n_models, BLACK, 0.3, 0.6),
    ):
        edges = [(xy[i], xy[j]) for i, j in np.argwhere(joined)]
        # There are thousands of edges, so they are rasterised inside the SVG.
        lines = LineCollection(edges, colors=color, linewidths=width, alpha=alpha, zorder=1, rasterized=True)
        panel.add_collection(lines)
    known = np.zeros(len(agree), int) if classes is None else np.array(classes)
    for kind in np.unique(known):
        color, marker = _class_style(kind)
        x, y = xy[known == kind].T
        panel.scatter(x, y, s=10, c=color, marker=marker, edgecolors=BLACK, linewidths=0.3, zorder=2)
    panel.set_aspect("equal", adjustable="datalim")
    panel.autoscale_view()
    panel.set_xticks([])
    panel.set_yticks([])
    panel.grid(False)
    panel.spines[:].set_visible(False)


def _class_style(kind: int) -> tuple[str, str]:
    """Colour and marker of a class; once all colours are used, they repeat with the next marker."""
    return CYCLE[kind % len(CYCLE)], MARKERS[kind // len(CYCLE) % len(MARKERS)]


def _legend(classes: list[int] | None) -> list[Line2D]:
    lines = [
        Line2D([], [], color=BLACK, label="all agree"),
        Line2D([], [], color=GREY, alpha=0.5, label="at least two"),
    ]
    for kind in sorted(set(classes or [])):
        color, marker = _class_style(kind)
        style: dict[str, Any] = {"linestyle": "", "markeredgecolor": BLACK, "markeredgewidth": 0.3}
        lines.append(Line2D([], [], color=color, marker=marker, label=str(kind), **style))
    return lines
