"""Every estimator that the package exports, with settings that fit 90 points in tenths of a second."""

from typing import Any

import numpy as np
from sklearn.datasets import make_blobs

from kingdra_repro import methods
from kingdra_repro.bases import IMSATRPT, IMSATVAT, RIM, LadderDot, LadderIM

BASES = [
    LadderIM(hidden=(8,), denoising_costs=(10.0, 1.0, 0.1)),
    LadderDot(hidden=(8,), denoising_costs=(10.0, 1.0, 0.1)),
    IMSATVAT(hidden=(8,)),
    IMSATRPT(hidden=(8,)),
    RIM(hidden=(8,)),
]
NAMES = [name for name in methods.__all__ if hasattr(getattr(methods, name), "fit")]
NETWORK = {"hidden": (8,), "epochs": 2, "batch_size": 32}
ENSEMBLE = {"base": BASES, "n_models": 5, "epochs": 2, "batch_size": 32}
SETTINGS: dict[str, dict[str, Any]] = {
    "DEC": {**NETWORK, "n_init": 2, "max_iter": 4, "update_interval": 2},
    "DAEKMeans": {**NETWORK, "n_init": 2},
    "DVAEKMeans": {**NETWORK, "n_init": 2},
    "DeepCluster": {**NETWORK},
    "ConstrainedAutoencoder": {**NETWORK, "clustering_epochs": 2, "annealing": (1, 2)},
    "Ensemble": ENSEMBLE,
    "Kingdra": {**ENSEMBLE, "first_epochs": 2, "n_iter": 1},
    "KingdraPlus": {**ENSEMBLE, "first_epochs": 2, "n_iter": 1, "first_base": IMSATVAT(hidden=(8,))},
    "Single": {"base": BASES[0], "epochs": 2, "batch_size": 32},
    "SemiSupervised": {"base": BASES[0], "epochs": 2, "batch_size": 32},
    "KMeans": {"n_init": 2},
}


def make(name: str, **settings: Any) -> Any:
    """Create the named estimator for three clusters, ignoring settings that it does not have."""
    kind = getattr(methods, name)
    given = {"n_clusters": 3, "device": "cpu", "random_state": 0, **SETTINGS.get(name, {}), **settings}
    taken = kind().get_params(deep=False)
    return kind(**{name: value for name, value in given.items() if name in taken})


def points() -> tuple[np.ndarray, np.ndarray]:
    """Return 90 points of 6 features, from 0 to 1, in three blobs, and classes of the first 20, else -1."""
    X, y = make_blobs(90, n_features=6, centers=3, cluster_std=0.7, random_state=0)
    given = np.where(np.arange(90) < 20, y, -1)
    return ((X - X.min(0)) / (X.max(0) - X.min(0))).astype(np.float32), given
