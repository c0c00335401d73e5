"""map.json: a two-dimensional layout of a run's points, for its page."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.manifold import TSNE

from kingdra_repro.checks import choice
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.errors import InputError
from kingdra_repro.files import write_text
from kingdra_repro.runs.points import ShownPoints, class_names, shown_as
from kingdra_repro.runs.thumbnails import value_range
from kingdra_repro.runs.votes import answer_votes
from kingdra_repro.sampling import fixed_sample

MOST_POINTS = 10_000
MOST_PICTURES = 2_500  # each takes a few hundred bytes of the page
WIDTH = 4_000  # coordinates are integers: shorter than fractions, and finer than any screen
COMPONENTS = 50  # principal components that t-SNE and UMAP start from
TITLES = {"pca": "First two principal components", "tsne": "t-SNE", "umap": "UMAP"}
NONE = "none"


def check_layout(layout: str) -> None:
    """Raise InputError if `layout` is unknown, or needs a package that is not installed."""
    choice(*TITLES, NONE)("report.map", layout)
    if layout == "umap" and find_spec("umap") is None:
        raise InputError(
            "report.map=umap needs umap-learn: pip install 'kingdra-repro[umap]', or give report.map=tsne"
        )


def write_map(folder: Path, data: Dataset, method: Any, labels: np.ndarray, layout: str) -> None:
    """Write ``map.json`` into a run's folder, unless `layout` is "none". Reads ``votes.npz`` from there."""
    if layout == NONE:
        return
    made = make_map(data, method, labels, layout, answer_votes(folder))
    write_text(folder / "map.json", json.dumps(made, separators=(",", ":"), allow_nan=False) + "\n")


def make_map(
    data: Dataset, method: Any, labels: np.ndarray, layout: str, votes: np.ndarray | None = None
) -> dict[str, Any]:
    """Lay points out in two dimensions. Classes are read for display only.

    The layout is of the fitted method's ``last_hidden_layer``, or of the features if it has no network. Of
    more than 10,000 points (2,500 pictures), it has a sample, the same one for all data sets of n points.
    `labels` [n] are the final clusters, `votes` [n_models, n] each model's answers.

    Returns
    -------
    dict
        ``layout``; ``title``: what is shown; ``n``: number of points in the data; ``x``, ``y``: integers from
        0 to `WIDTH`; ``k``: number of clusters; ``n_models``, ``columns``: as in `make_explorer`;
        ``classes``: names of the classes, or None; ``points``: see `ShownPoints.to_dict`.
    """
    n = len(labels)
    rows = fixed_sample(n, MOST_PICTURES if shown_as(data) == "pictures" else MOST_POINTS)
    has_network = hasattr(method, "last_hidden_layer")
    hidden = method.last_hidden_layer(data.X[rows]) if has_network else data.X[rows]
    shown = ShownPoints.of(data, labels, votes)
    x, y = _whole(LAYOUTS[layout](hidden)).T.tolist()
    return {
        "layout": layout,
        "title": f"{TITLES[layout]} of the {'last hidden layer' if has_network else 'features'}",
        "n": n,
        "x": x,
        "y": y,
        "n_models": shown.n_models,
        "k": shown.k,
        "columns": shown.column_names,
        "classes": class_names(data),
        "points": shown.to_dict(rows, value_range(data, rows)),
    }


def layout_of(folder: Path) -> str:
    """Return the layout of the run's ``map.json``; "none" if the file is missing or damaged."""
    try:
        return str(json.loads((folder / "map.json").read_text(encoding="utf-8"))["layout"])
    except (OSError, ValueError, LookupError, TypeError):
        return NONE


def _components(X: np.ndarray | sp.csr_matrix, most: int) -> np.ndarray:
    """Return at most `most` components of X [m, d], 0 for equal points; a sparse X is not centred."""
    fewer, largest = min(most, *X.shape), float(max(X.max(), -X.min()))
    with np.errstate(divide="ignore", invalid="ignore"):  # equal points have no variance to explain
        if sp.issparse(X):
            found = TruncatedSVD(max(1, min(fewer, X.shape[1] - 1)), random_state=0).fit_transform(X)
        else:
            found = PCA(fewer, random_state=0).fit_transform(X)
    # What is left of equal points is rounding.
    return found if np.ptp(found, axis=0).max() > 1e-6 * largest else np.zeros_like(found)


def _tsne(X: np.ndarray | sp.csr_matrix) -> np.ndarray:
    start = _components(X, COMPONENTS)
    if len(start) < 4 or start.shape[1] < 2 or not start.any():
        return start  # of equal points: scikit-learn ends in a segmentation fault
    perplexity = min(30.0, (len(start) - 1) / 3)
    return TSNE(2, init="pca", perplexity=perplexity, random_state=0).fit_transform(start)


def _umap(X: np.ndarray | sp.csr_matrix) -> np.ndarray:
    from umap import UMAP

    start = _components(X, COMPONENTS)
    return UMAP(n_components=2, random_state=0, n_jobs=1).fit_transform(start) if len(start) > 15 else start


LAYOUTS: dict[str, Callable[[np.ndarray | sp.csr_matrix], np.ndarray]] = {
    "pca": lambda X: _components(X, 2),
    "tsne": _tsne,
    "umap": _umap,
}


def _whole(xy: np.ndarray) -> np.ndarray:
    """Return positions [m, 1 or more] as integers [m, 2] from 0 to `WIDTH`, with one scale for both axes."""
    places = np.zeros((len(xy), 2))
    places[:, : xy.shape[1]] = xy[:, :2]
    places -= places.min(0)
    return np.rint(places * (WIDTH / (places.max() or 1))).astype(int)
