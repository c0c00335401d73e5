"""scikit-learn's checks of the exported clusterers; test_partial_labels.py has those that need labels."""

from collections.abc import Iterable
from typing import Any

import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from kingdra_repro import methods
from kingdra_repro.bases import IMSATVAT, LadderIM
from tests.methods.estimators import NAMES

LADDER = LadderIM(hidden=(16,), denoising_costs=(10.0, 1.0, 0.1))
# Enough training to find the clusters of 50 points in well separated blobs.
ENSEMBLE = {"base": LADDER, "n_clusters": 2, "n_models": 3, "device": "cpu", "batch_size": 16}
NETWORK = {"n_clusters": 3, "hidden": (8,), "epochs": 30, "batch_size": 16, "device": "cpu"}
FINE = {"first_base": IMSATVAT(hidden=(8,), n_neighbors=1), "first_batch_size": 16, "first_epochs": 30}
# Two clusters: the sparse-input check takes anything with predict_proba for a classifier of 2 or 4 classes.
SETTINGS: dict[str, dict[str, Any]] = {
    "Agglomerative": {"n_clusters": 2, "device": "cpu"},
    "DAEKMeans": {**NETWORK, "n_init": 1},
    "DEC": {**NETWORK, "n_init": 1, "max_iter": 20},
    "DVAEKMeans": {**NETWORK, "n_init": 1},
    "DeepCluster": {**NETWORK, "epochs": 2},
    "Ensemble": {**ENSEMBLE, "epochs": 30},
    "KMeans": {"n_clusters": 3, "n_init": 2},
    "Kingdra": {**ENSEMBLE, "n_iter": 1, "first_epochs": 30, "epochs": 5},
    "KingdraPlus": {**ENSEMBLE, **FINE, "n_iter": 1, "epochs": 5},
    "Single": {"base": LADDER, "n_clusters": 2, "epochs": 30, "batch_size": 16},
}


# They consist of the same parts as Kingdra, so their own checks are marked slow.
LIKE_KINGDRA = {"Ensemble", "KingdraPlus", "Single"}


def made(names: Iterable[str]) -> list[BaseEstimator]:
    return [getattr(methods, name)(**SETTINGS[name]) for name in NAMES if name in names]


@parametrize_with_checks(made(SETTINGS.keys() - LIKE_KINGDRA))
def test_scikit_learn_s_checks(estimator, check) -> None:
    _check(estimator, check)


@pytest.mark.slow
@parametrize_with_checks(made(LIKE_KINGDRA))
def test_scikit_learn_s_checks_of_those_like_kingdra(estimator, check) -> None:
    _check(estimator, check)


def _check(estimator: BaseEstimator, check: Any) -> None:
    if check.func.__name__ != "check_clustering":  # the only check that needs good clusters
        trained = {"epochs", "first_epochs"} & SETTINGS[type(estimator).__name__].keys()
        estimator = clone(estimator).set_params(**dict.fromkeys(trained, 2))
    check(estimator)
