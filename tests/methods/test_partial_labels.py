"""Methods that need the classes of some points: scikit-learn's checks, and the two plain classifiers."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from sklearn.base import clone
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils import ClassifierTags
from sklearn.utils.estimator_checks import parametrize_with_checks

from kingdra_repro.bases import RIM
from kingdra_repro.errors import InputError
from kingdra_repro.methods import (
    ConstrainedAutoencoder,
    ConstrainedKMeans,
    LogisticRegression,
    NearestLabelled,
    SemiSupervised,
    draw_labels,
)

CLASSIFIERS = {
    NearestLabelled: KNeighborsClassifier(1),
    LogisticRegression: sklearn.linear_model.LogisticRegression(max_iter=1000),
}


class FirstRows:
    """A mixin that labels the first k rows 0..k-1, because scikit-learn's checks pass no partial labels."""

    def fit(self, X, y=None):
        n = X.shape[0] if hasattr(X, "shape") else len(np.asarray(X))
        rows = np.arange(n)
        return super().fit(X, np.where(rows < self.n_clusters, rows, -1))

    def fit_predict(self, X, y=None):
        return self.fit(X).labels_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type, tags.target_tags.required = "clusterer", False
        tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags


class KMeansOfFirstRows(FirstRows, ConstrainedKMeans): ...


class AutoencoderOfFirstRows(FirstRows, ConstrainedAutoencoder): ...


class SemiSupervisedOfFirstRows(FirstRows, SemiSupervised): ...


TINY = {"hidden": (8,), "code_size": 4, "epochs": 5, "clustering_epochs": 3, "annealing": (0, 1)}


@parametrize_with_checks(
    [
        KMeansOfFirstRows(3),
        AutoencoderOfFirstRows(3, **TINY, learning_rate=0.01, batch_size=8, unlabelled_batch=8, device="cpu"),
        SemiSupervisedOfFirstRows(2, base=RIM(hidden=(8,)), epochs=30, batch_size=16, device="cpu"),
    ]
)
def test_scikit_learn_s_checks(estimator, check) -> None:
    if check.func.__name__ != "check_clustering" and "epochs" in estimator.get_params():
        estimator = clone(estimator).set_params(epochs=2)
    check(estimator)


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_classifier_is_scikit_learn_s_on_the_labelled_points(kind, digits) -> None:
    X, y = digits
    given = draw_labels(y, 10, fraction=0.02)
    known, theirs = given >= 0, CLASSIFIERS[kind]
    expected = theirs.fit(X[known], y[known]).predict(X[~known])
    fitted = kind(10).fit(X, given)
    np.testing.assert_array_equal(fitted.labels_[~known], expected)
    np.testing.assert_array_equal(fitted.labels_[known], y[known])
    np.testing.assert_array_equal(fitted.predict(X)[~known], expected)
    np.testing.assert_array_equal(kind(10).fit_predict(sp.csr_matrix(X), given), fitted.labels_)
    again = kind(10)
    again.load_state_dict(fitted.state_dict(), X.shape[1])
    np.testing.assert_array_equal(again.predict(X)[~known], expected)


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_two_classes(kind) -> None:
    X = np.array([[0.0, 1.0], [0.1, 0.9], [3.0, 0.0], [2.9, 0.2]])
    np.testing.assert_array_equal(kind(2).fit_predict(X, np.array([0, -1, 1, -1])), [0, 0, 1, 1])


def test_one_class_leaves_nothing_to_tell_apart() -> None:
    with pytest.raises(InputError, match="n_clusters must be an integer of at least 2; got 1"):
        LogisticRegression(1).fit([[0.0], [1.0]], [0, -1])
