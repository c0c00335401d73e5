"""Figure 4 of the paper: members of each final cluster, those in the wrong place framed."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.evaluation import matched_classes

MEMBERS = 15  # shown of each cluster
MOST_CLUSTERS = 30  # more rows than this cannot be read
CELL = 0.55  # inches
RED = "#CC0000"  # needs no telling from another colour: what is right has no frame


def members_figure(data: Dataset, labels: np.ndarray) -> Figure:
    """A row a cluster, of random members; those of another class than the cluster's are framed red.

    Parameters
    ----------
    data : Dataset with an image_shape; where its classes are not known nothing is framed
    labels : int array [n], final clusters

    Returns
    -------
    Figure
    """
    X, shape = data.X, data.image_shape
    assert isinstance(X, np.ndarray)
    assert shape is not None
    random = np.random.default_rng(0)  # the same members whenever the picture is drawn
    clusters = range(min(data.n_clusters, MOST_CLUSTERS))
    members = [np.flatnonzero(labels == cluster) for cluster in clusters]
    chosen = [random.choice(these, min(MEMBERS, len(these)), replace=False) for these in members]

    # One image of all pictures: an axes for each would take seconds to lay out.
    gap = max(1, shape[1] // 8)
    height, width = shape[0] + gap, shape[1] + gap
    sheet = np.ones((len(clusters) * height, MEMBERS * width, *shape[2:]))
    wrong: list[tuple[int, int]] = []
    classes = {} if data.y is None else matched_classes(data.y, labels)
    low, high = _range(X, chosen)
    for row, points in enumerate(chosen):
        for column, point in enumerate(points):
            picture = (X[point].reshape(shape) - low) / (high - low)
            ink = picture if len(shape) == 3 else 1 - picture  # grey pictures dark on white
            top, left = row * height, column * width
            sheet[top : top + shape[0], left : left + shape[1]] = ink
            if data.y is not None and classes.get(row) != data.y[point]:
                wrong.append((row, column))

    figure = Figure(figsize=(CELL * MEMBERS + 1, CELL * len(clusters) + 0.5), layout="constrained")
    panel = figure.subplots()
    panel.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    for row, column in wrong:
        corner = (column * width - gap / 2 - 0.5, row * height - gap / 2 - 0.5)
        frame = Rectangle(corner, width, height, fill=False, edgecolor=RED, linewidth=2.5)
        frame.set_clip_on(False)
        panel.add_patch(frame)
    names = [f"{cluster} ({len(these):,})" for cluster, these in zip(clusters, members, strict=True)]
    panel.set_yticks([row * height + shape[0] / 2 - 0.5 for row in range(len(clusters))], names)
    panel.set_xticks([])
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    if data.y is not None:
        panel.set_title("random members of each cluster; framed: not of the cluster's class", fontsize=10)
    return figure


def _range(X: np.ndarray, chosen: list[np.ndarray]) -> tuple[float, float]:
    """Least and largest value of the pictures that are shown."""
    shown = X[np.concatenate(chosen)]
    low, high = float(shown.min()), float(shown.max())
    return low, high if high > low else low + 1
