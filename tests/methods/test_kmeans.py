"""KMeans gives the same clusters as scikit-learn's."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.cluster

from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.methods import KMeans


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_it_is_scikit_learn_s(digits, kind) -> None:
    X, y = digits
    model = KMeans(10, random_state=0).fit(kind(X))
    theirs = sklearn.cluster.KMeans(10, n_init=10, random_state=0).fit(kind(X))
    np.testing.assert_array_equal(model.labels_, theirs.labels_)
    assert model.labels_.dtype == model.predict(kind(X)).dtype == np.int64
    np.testing.assert_array_equal(model.predict(kind(X)), model.labels_)
    assert clustering_accuracy(y, model.labels_) > 0.7  # .79 with three seeds


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_init": "auto"}, "n_init must be an integer of at least 1; got 'auto'"),
        ({"random_state": -1}, "random_state must be an integer from 0 to 4294967295; got -1"),
    ],
)
def test_user_errors(settings: dict, message: str, digits) -> None:
    with pytest.raises(InputError, match=message):
        KMeans(3, **settings).fit(digits[0][:30])
