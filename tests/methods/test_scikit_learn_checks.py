"""scikit-learn's own checks of every exported estimator."""

from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from kingdra_repro import methods
from kingdra_repro.bases import IMSATVAT, RIM, LadderIM
from tests.methods.estimators import NAMES

LADDER = LadderIM(hidden=(16,), denoising_costs=(10.0, 1.0, 0.1))
# Enough training for 50 points: some checks ask for the clusters of well separated blobs.
ENSEMBLE = {"base": LADDER, "n_clusters": 2, "n_models": 3, "device": "cpu", "batch_size": 16}
NETWORK = {"n_clusters": 3, "hidden": (8,), "epochs": 30, "batch_size": 16, "device": "cpu"}
FINE = {"first_base": IMSATVAT(hidden=(8,), n_neighbors=1), "first_batch_size": 16, "first_epochs": 30}
# Two clusters: the check of sparse input takes whatever has predict_proba for a classifier of 2 or 4 classes.
SETTINGS: dict[str, dict[str, Any]] = {
    "Agglomerative": {"n_clusters": 2, "device": "cpu"},
    "ConstrainedAutoencoder": {**NETWORK, "n_clusters": 2, "epochs": 5, "clustering_epochs": 3},
    "ConstrainedKMeans": {"n_clusters": 2},
    "DAEKMeans": {**NETWORK, "n_init": 1},
    "DEC": {**NETWORK, "n_init": 1, "max_iter": 20},
    "DVAEKMeans": {**NETWORK, "n_init": 1},
    "DeepCluster": {**NETWORK, "epochs": 2},
    "Ensemble": {**ENSEMBLE, "epochs": 30},
    "KMeans": {"n_clusters": 3, "n_init": 2},
    "Kingdra": {**ENSEMBLE, "n_iter": 1, "first_epochs": 30, "epochs": 5},
    "KingdraPlus": {**ENSEMBLE, **FINE, "n_iter": 1, "epochs": 5},
    "SemiSupervised": {"base": RIM(hidden=(8,)), "n_clusters": 2, "epochs": 30, "batch_size": 16},
    "Single": {"base": RIM(hidden=(8,)), "n_clusters": 2, "epochs": 30, "batch_size": 16},
}


@parametrize_with_checks([getattr(methods, name)(**SETTINGS[name]) for name in NAMES])
def test_scikit_learn_s_checks(estimator, check) -> None:
    check(estimator)
