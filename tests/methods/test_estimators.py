"""The estimators' scikit-learn conventions, user errors, and accuracy on data with known clusters."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError

from kingdra_repro import Kingdra, methods
from kingdra_repro.bases import IMSATRPT, IMSATVAT, RIM, LadderDot, LadderIM
from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.methods import DEC, Agglomerative, Ensemble, Iteration, KMeans, Progress, Single
from kingdra_repro.methods.clusterer import EmptyClusterWarning
from kingdra_repro.pseudo_labels import GraphPseudoLabels

SMALL_IM = LadderIM(hidden=(16,), denoising_costs=(10.0, 1.0, 0.1))
SMALL_DOT = LadderDot(hidden=(16,), denoising_costs=(10.0, 1.0, 0.1))
QUICK = {"base": SMALL_IM, "n_models": 2, "n_iter": 1, "first_epochs": 1, "epochs": 1, "device": "cpu"}


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    X, y = make_blobs(600, n_features=8, centers=4, cluster_std=0.7, random_state=0)
    X = (X - X.min(0)) / (X.max(0) - X.min(0))
    return X.astype(np.float32), y


def make(scheme: type, base=SMALL_IM, **settings):
    settings = {"epochs": 15, "batch_size": 32, "random_state": 0, "device": "cpu", **settings}
    if scheme is not Single:
        settings["n_models"] = 5
    if scheme is Kingdra:
        settings |= {"first_epochs": 15, "epochs": 5, "n_iter": 3}
    return scheme(4, base=base, **settings)


def quick(**settings) -> Kingdra:
    """Create a Kingdra that fits quickly, for tests that only compare fits."""
    return Kingdra(4, **{**QUICK, "batch_size": 32, "random_state": 0, **settings})


@pytest.mark.parametrize(
    ("scheme", "base"),
    [
        (Single, SMALL_IM),
        (Ensemble, SMALL_IM),
        (Kingdra, SMALL_IM),
        (Kingdra, SMALL_DOT),
        (Kingdra, IMSATVAT(hidden=(16,))),
        (Kingdra, IMSATRPT(hidden=(16,))),
        (Kingdra, RIM(hidden=(16,))),
        (Kingdra, RIM(hidden=())),
    ],
    ids=lambda value: getattr(value, "__name__", None) or f"{type(value).__name__}-{len(value.hidden)}",
)
def test_blobs_are_found(scheme: type, base, blobs) -> None:
    """Without any training, the accuracy would stay near .25."""
    X, y = blobs
    model = make(scheme, base).fit(X)
    assert clustering_accuracy(y, model.labels_) > (0.7 if scheme is Single else 0.9)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    np.testing.assert_allclose(model.predict_proba(X).sum(1), 1, atol=1e-5)


def test_predict_of_a_point_alone_is_its_label(blobs) -> None:
    X, _ = blobs
    model = quick().fit(X)
    assert [model.predict(X[i : i + 1])[0] for i in range(40)] == model.labels_[:40].tolist()


@pytest.mark.parametrize("chosen", ["predicted", "given"])
def test_certainty_and_disagreement_are_of_the_aligned_outputs(
    blobs, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, _ = blobs
    model = quick(n_models=3).fit(X)
    order = model._alignment.numpy()
    assert (order != np.arange(4)).any()
    outputs = model._fitted.predict_proba(X, torch.device("cpu")).numpy().astype(np.float64)
    aligned = np.stack([proba[:, of_model] for proba, of_model in zip(outputs, order, strict=True)])
    mean = aligned.mean(0)
    entropy_of_mean, entropies = (-(p * np.log(p)).sum(-1) for p in (mean, aligned))
    clusters = mean.argmax(1) if chosen == "predicted" else (model.labels_ + 1) % 4

    monkeypatch.setattr("kingdra_repro.training.prediction.CHUNK_SIZE", 70)  # predict in several chunks
    monkeypatch.setattr("kingdra_repro.training.prediction.BLOCK_VALUES", 70 * 8)
    np.testing.assert_allclose(model.disagreement(X), entropy_of_mean - entropies.mean(0), atol=1e-5)
    found = model.predict_with_certainty(X, None if chosen == "predicted" else clusters)
    np.testing.assert_array_equal(found[0], clusters)
    np.testing.assert_allclose(found[1], mean[np.arange(600), clusters], atol=1e-5)
    np.testing.assert_allclose(found[2], (aligned.argmax(-1) == clusters).mean(0))


def test_a_seed_decides_the_result(blobs, assert_seeded) -> None:
    assert_seeded(quick, blobs[0])


def test_sparse_and_dense_give_the_same(blobs) -> None:
    X, _ = blobs
    X = np.where(X > 0.4, X, 0)
    dense, sparse = quick().fit(X), quick().fit(sp.csr_matrix(X))
    np.testing.assert_array_equal(dense.labels_, sparse.labels_)
    np.testing.assert_array_equal(sparse.predict(sp.csr_matrix(X)), sparse.labels_)


def test_y_is_ignored(blobs) -> None:
    X, y = blobs
    np.testing.assert_array_equal(quick().fit(X).labels_, quick().fit(X, y[::-1]).labels_)


class Recorder:
    def __init__(self) -> None:
        self.iterations: list[Iteration] = []
        self.events: list[Progress] = []

    def progress(self, event: Progress) -> None:
        self.events.append(event)

    def iteration(self, it: Iteration) -> None:
        self.iterations.append(it)


def test_the_monitor_is_notified_of_everything(blobs) -> None:
    X, _ = blobs
    recorder = Recorder()
    model = make(Kingdra, monitor=recorder).fit(X)
    assert [it.index for it in recorder.iterations] == [0, 1, 2, 3]
    done = [event.model_epochs_done for event in recorder.events]
    assert done == sorted(done)
    assert done[-1] == recorder.events[-1].model_epochs_total == 5 * (15 + 3 * 5)
    assert recorder.events[-1].losses()["loss"] > -100
    assert recorder.events[0].n_pseudo_labels == 0
    assert recorder.events[-1].n_pseudo_labels == model.history_["n_pseudo_labels"].iloc[-2]
    np.testing.assert_array_equal(recorder.iterations[-1].labels, model.labels_)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_clusters": 700}, "n_clusters must be at most n_samples=600; got 700"),
        ({"n_clusters": 0}, "n_clusters must be an integer of at least 1; got 0"),
        ({"n_models": 0}, "n_models must be an integer of at least 1; got 0"),
        ({"n_iter": -1}, "n_iter must be an integer of at least 0; got -1"),
        ({"batch_size": 1.5}, "batch_size must be an integer of at least 2; got 1.5"),
        ({"random_state": -1}, "random_state must be an integer from 0 to 4294967295; got -1"),
        ({"learning_rate": 0.0}, "learning_rate must be a positive number; got 0.0"),
        ({"checkpoint_dir": ""}, "checkpoint_dir must be a path; got ''"),
        ({"order": "random"}, "order must be one of file, once, epoch; got 'random'"),
        ({"precision": "float16"}, "precision must be one of float32, tf32, bfloat16; got"),
        ({"mapping": "best"}, "mapping must be one of majority, one_to_one, common"),
        ({"base": "imsat"}, "base must be one of ladder_im, ladder_dot"),
        ({"pseudo_labels": "oracle"}, "pseudo_labels must be one of graph, argmax, kmeans, threshold"),
        ({"pseudo_labels": GraphPseudoLabels(t_pos=6), "n_models": 5}, "t_pos"),
        ({"device": "cuda:77"}, "device=cuda:77 is not available on this machine"),
    ],
)
def test_user_errors(settings: dict, message: str, blobs) -> None:
    with pytest.raises(InputError, match=message):
        Kingdra(**{"n_clusters": 4, **QUICK, **settings}).fit(blobs[0])


@pytest.mark.parametrize(
    "scheme", [name for name in methods.__all__ if hasattr(getattr(methods, name), "checks")]
)
def test_a_subclass_checks_what_its_bases_check(scheme: str) -> None:
    kind = getattr(methods, scheme)
    checks = kind.checks
    assert all(vars(base).get("checks", {}).keys() <= checks.keys() for base in kind.__mro__)
    assert all(hasattr(kind(), name) for name in checks)


@pytest.mark.parametrize(
    ("base", "message"),
    [
        (None, "base must be the name of a base model, or an instance such as .*; got None"),
        (LadderIM, "base must be the name of a base model, or an instance"),
        (3, "base must be the name of a base model, .*; got 3"),
    ],
)
def test_what_is_no_base(base, message: str, blobs) -> None:
    with pytest.raises(InputError, match=message):
        make(Kingdra, base).fit(blobs[0])


@pytest.mark.parametrize("hidden", [16, None, (8.0, 8.0), ("8", "8"), (True,), "16"])
def test_hidden_layers_that_are_none(hidden) -> None:
    for base in (LadderIM, RIM):
        with pytest.raises(InputError, match="hidden must be a list"):
            base(hidden=hidden)


@pytest.mark.parametrize("make_one", [lambda: make(Kingdra), lambda: KMeans(4), lambda: Agglomerative(4)])
def test_values_that_float32_does_not_hold(make_one, blobs) -> None:
    X = blobs[0].astype(np.float64)
    with pytest.raises(InputError, match=r"column 0 varies by .* scale the columns .*StandardScaler"):
        make_one().fit(X + 1.7e9)
    with pytest.raises(InputError, match="column 'when' varies by"):
        make_one().fit(pd.DataFrame({"when": X[:, 0] + 1.7e9}))
    for large in (X * 1e30, X * 1e300, sp.csr_matrix(X * 1e30)):
        with pytest.raises(InputError, match="whose squares float32 does not hold"):
            make_one().fit(large)
    fitted = make_one().fit(X + 100.0)
    assert clustering_accuracy(blobs[1], fitted.labels_) > 0.7


def test_clusters_without_points_are_warned_of(blobs) -> None:
    alike = np.repeat(blobs[0][:2], 30, axis=0)
    with pytest.warns(
        EmptyClusterWarning, match="Kingdra found [12] clusters, .* n_clusters=4: look for fewer"
    ) as told:
        quick().fit(alike)
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error", EmptyClusterWarning)
        assert len(np.unique(make(Kingdra).fit(blobs[0]).labels_)) == 4


@pytest.mark.parametrize(
    "make_one", [lambda **more: make(Kingdra, **more), lambda **more: DEC(4, epochs=1, max_iter=0, **more)]
)
def test_a_fit_that_fails_leaves_nothing_of_the_one_before(make_one, blobs) -> None:
    """Otherwise the model would predict with networks that were trained on other data."""

    class Stop(Exception): ...

    class Stopping:
        def progress(self, event) -> None:
            raise Stop

        def iteration(self, it) -> None: ...

    model = make_one().fit(blobs[0])
    model.set_params(monitor=Stopping())
    with pytest.raises(Stop):
        model.fit(blobs[0][:, :3])
    with pytest.raises(NotFittedError):
        model.predict(blobs[0][:, :3])
    assert not hasattr(model, "labels_")


@pytest.mark.parametrize(
    "make_one",
    [
        lambda: make(Kingdra),
        lambda: DEC(4, epochs=1, max_iter=0),
        lambda: KMeans(4),
        lambda: Agglomerative(4),
    ],
)
def test_so_does_a_fit_that_is_refused(make_one, blobs) -> None:
    model = make_one().fit(blobs[0])
    with pytest.raises(InputError, match="n_clusters must be at most n_samples=3; got 4"):
        model.fit(blobs[0][:3, :3])
    assert not hasattr(model, "labels_")
    assert not hasattr(model, "n_features_in_")
