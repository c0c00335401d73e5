"""Figure 4 of the paper: members of each final cluster, those in the wrong place framed."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.evaluation import matched_classes

MEMBERS = 15  # shown of each cluster
MOST_CLUSTERS = 30  # more rows than this cannot be read
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
    X, y = data.X, data.y
    assert isinstance(X, np.ndarray)
    assert data.image_shape is not None
    random = np.random.default_rng(0)  # the same members whenever the picture is drawn
    shown = range(min(data.n_clusters, MOST_CLUSTERS))
    classes = {} if y is None else matched_classes(y, labels)
    low, high = float(X.min()), float(X.max())

    figure = Figure(figsize=(0.55 * MEMBERS + 1.6, 0.6 * len(shown) + 0.5), layout="constrained")
    grid = figure.subplots(len(shown), MEMBERS, squeeze=False)
    for cluster, panels in zip(shown, grid, strict=True):
        members = np.flatnonzero(labels == cluster)
        chosen = random.choice(members, min(MEMBERS, len(members)), replace=False)
        for panel in panels:
            panel.set_axis_off()
        for panel, point in zip(panels, chosen, strict=False):
            picture = X[point].reshape(data.image_shape)
            panel.imshow((picture - low) / (high - low or 1), cmap="gray_r", vmin=0, vmax=1)
            if y is not None and classes.get(cluster) != y[point]:
                _frame(panel)
        name = f"{cluster}\n({len(members):,})"
        panels[0].text(-0.25, 0.5, name, transform=panels[0].transAxes, ha="right", va="center")
    if y is not None:
        figure.suptitle("random members of each cluster; framed: not of the cluster's class", fontsize=10)
    return figure


def _frame(panel: Axes) -> None:
    frame = Rectangle((0, 0), 1, 1, transform=panel.transAxes, fill=False, edgecolor=RED, linewidth=3)
    frame.set_clip_on(False)
    panel.add_patch(frame)
