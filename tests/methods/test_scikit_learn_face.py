"""What scikit-learn's users expect of an estimator in addition to ``fit`` and ``predict``."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from kingdra_repro import Kingdra
from kingdra_repro.bases import LadderIM
from kingdra_repro.data.validation import ScaleWarning
from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import information_score
from kingdra_repro.methods import DEC, KingdraPlus
from kingdra_repro.pseudo_labels import GraphPseudoLabels
from tests.methods.estimators import NAMES, points
from tests.methods.estimators import make as make_any

SMALL = LadderIM(hidden=(8,))


@pytest.fixture(scope="module")
def X() -> np.ndarray:
    X, _ = make_blobs(120, 4, centers=3, random_state=0)
    return ((X - X.mean(0)) / X.std(0)).astype(np.float32)


def make(**settings) -> Kingdra:
    quick = {"n_models": 2, "n_iter": 1, "first_epochs": 5, "epochs": 1, "random_state": 0, "device": "cpu"}
    return Kingdra(3, **{"base": SMALL, **quick, **settings})


def test_outputs_are_features_with_names(X) -> None:
    model = make()
    outputs = model.fit_transform(X)
    np.testing.assert_array_equal(outputs, model.predict_proba(X))
    assert outputs.dtype == np.float32
    table = model.set_output(transform="pandas").transform(X)
    assert list(table) == list(model.get_feature_names_out()) == ["kingdra0", "kingdra1", "kingdra2"]
    model.set_params(n_clusters=5)  # takes effect at the next fit
    assert len(model.get_feature_names_out()) == model.transform(X).shape[1] == 3


def test_parameters_of_a_base_are_parameters_of_the_estimator() -> None:
    model = make(pseudo_labels=GraphPseudoLabels())
    given = model.get_params()
    assert given["base__w_mi"] == 0.1
    assert given["pseudo_labels__confidence"] == 0.0
    assert not any("__" in name for name in model.get_params(deep=False))
    model.set_params(base__hidden=(4, 4), base__w_mi=0.5, pseudo_labels__confidence=0.5, n_iter=2)
    assert (model.base, model.n_iter) == (LadderIM(hidden=(4, 4), w_mi=0.5), 2)
    assert model.pseudo_labels.confidence == 0.5
    assert SMALL.w_mi == 0.1  # other estimators may share the base
    assert clone(model).base == model.base
    assert model.set_params(base=SMALL, base__w_mi=0.2).base.w_mi == 0.2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"base__width": 3}, "base__width is not a parameter of base=LadderIM.*: it has hidden, "),
        (
            {"pseudo_labels__t_neg": 1},
            "pseudo_labels__t_neg is not a parameter of pseudo_labels='graph': "
            r"give an instance, such as GraphPseudoLabels\(\)$",
        ),
        ({"pseudo_labels": "kmeans", "pseudo_labels__seed": 1}, r"such as KMeansPseudoLabels\(\)$"),
        (
            {"base": "imsat_vat", "base__xi": 1.0},
            r"base='imsat_vat': give an instance, such as IMSATVAT\(\)$",
        ),
        ({"pseudo_labels": print, "pseudo_labels__seed": 1}, r"such as GraphPseudoLabels\(\)$"),
        ({"base": "nope", "base__xi": 1.0}, "base must be one of "),
        ({"n_models__size": 3}, "n_models__size is not a parameter of n_models=2: it has none, leave it out"),
        ({"foo__bar": 3}, "Invalid parameter 'foo'"),
        (
            {"base": [SMALL, "deep_rim"], "base__w_mi": 3},
            "base__w_mi is not a parameter of .*: set base to a list of other instances",
        ),
        ({"models": 3}, "Invalid parameter 'models'"),
    ],
)
def test_a_parameter_that_is_none(wrong, message) -> None:
    with pytest.raises(ValueError, match=message):
        make().set_params(**wrong)


def test_the_first_base_that_is_not_given_has_an_example_of_its_own_kind() -> None:
    with pytest.raises(InputError, match=r"first_base=None: give an instance, such as IMSATVAT\(\)$"):
        KingdraPlus().set_params(first_base__xi=1.0)


def test_a_search_without_labels(X) -> None:
    search = GridSearchCV(make(), {"base__hidden": [(8,), (4, 4)]}, scoring=information_score, cv=2).fit(X)
    assert search.best_params_["base__hidden"] in [(8,), (4, 4)]
    assert (search.cv_results_["mean_test_score"] > 0).all()


@pytest.mark.parametrize(
    "model",
    [
        make(verbose=1),
        KingdraPlus(
            3, base=SMALL, first_base=SMALL, n_models=2, n_iter=1, first_epochs=1, epochs=1, verbose=1
        ),
        DEC(3, hidden=(8,), epochs=1, max_iter=1, verbose=1),
    ],
    ids=["Kingdra", "KingdraPlus", "DEC"],
)
def test_verbose_shows_the_progress(model, X, capsys) -> None:
    model.fit(X)
    shown = capsys.readouterr()
    assert "epoch 1/" in shown.err
    assert "model epochs" in shown.err
    assert not shown.out
    clone(model).set_params(verbose=True).fit(X)
    assert "epoch 1/" in capsys.readouterr().err
    clone(model).set_params(verbose=0).fit(X)
    assert not capsys.readouterr().err
    with pytest.raises(InputError, match="verbose must be an integer of at least 0; got 'yes'"):
        clone(model).set_params(verbose="yes").fit(X)


def test_pixels_that_were_not_scaled_are_told_of(X) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 4))
    with pytest.warns(ScaleWarning, match="from 0 to 25.*where the networks expect about 1: divide pixels"):
        make().fit(pixels)


def test_small_networks_take_one_thread_and_give_back_the_caller_s(X) -> None:
    seen = set()

    class Watching:
        def progress(self, event) -> None:
            seen.add(torch.get_num_threads())

        def iteration(self, it) -> None: ...

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        make(monitor=Watching()).fit(X).predict(X)
        assert seen == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", NAMES)
def test_integers_of_numpy_are_parameters_as_python_s_are(name) -> None:
    """NumPy integers come from ``y.max() + 1``, for example, or from a search over ``np.arange``."""
    X, given = points()
    model = make_any(name)
    expected = model.fit(X, given).labels_
    integers = {
        key: np.int64(value) for key, value in model.get_params(deep=False).items() if type(value) is int
    }
    assert "n_clusters" in integers
    found = clone(model).set_params(**integers).fit(X, given)
    np.testing.assert_array_equal(found.labels_, expected)
    assert type(found.n_clusters) is np.int64  # a fit does not change parameters


@pytest.mark.parametrize("name", NAMES)
def test_a_fit_that_fails_in_a_pipeline_tells_why(name) -> None:
    X, given = points()
    model = make_any(name)
    pipeline = make_pipeline(StandardScaler(), model)
    with pytest.raises(InputError, match=r"n_clusters must be an integer of at least [12]; got 0"):
        pipeline.set_params(**{f"{pipeline.steps[-1][0]}__n_clusters": 0}).fit(X, given)
    model.set_params(n_clusters=3)
    assert len(pipeline.fit(X, given)[-1].labels_) == len(X)
