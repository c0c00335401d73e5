"""Ensembles fitted with the classes of some points, and with linked pairs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs

from kingdra_repro.bases import IMSATVAT, RIM, LadderIM
from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.methods import (
    Ensemble,
    Kingdra,
    KingdraPlus,
    SemiSupervised,
    Single,
    draw_labels,
)
from tests.methods.conftest import KillAt, Killed

K, N = 4, 300
TEXT = np.dtypes.StringDType() if hasattr(np.dtypes, "StringDType") else object  # since NumPy 2
IM = LadderIM(hidden=(16,), denoising_costs=(10.0, 1.0, 0.1))
VAT = IMSATVAT(hidden=(16,), radius_scale=0.4, xi=5.0)
SETTINGS = {
    Single: {"epochs": 8},
    Ensemble: {"epochs": 8, "n_models": 3},
    Kingdra: {"first_epochs": 8, "epochs": 2, "n_models": 3, "n_iter": 2},
    KingdraPlus: {"first_epochs": 8, "epochs": 4, "n_models": 3, "n_iter": 2, "first_base": VAT},
    SemiSupervised: {"epochs": 8},
}


def make(scheme: type, base=IM, **more):
    shared = {"base": base, "batch_size": 32, "random_state": 0, "device": "cpu"}
    return scheme(K, **{**shared, **SETTINGS[scheme], **more})


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    X, y = make_blobs(N, n_features=8, centers=K, cluster_std=1.5, random_state=0)
    return ((X - X.min(0)) / (X.max(0) - X.min(0))).astype(np.float32), y


@pytest.fixture(scope="module")
def given(blobs) -> np.ndarray:
    return draw_labels(blobs[1], K, 5, seed=0)


@pytest.fixture(scope="module")
def pairs(blobs) -> dict[str, np.ndarray]:
    """Return 60 must-link and 60 cannot-link pairs."""
    y = blobs[1]
    drawn = np.random.default_rng(0).integers(0, N, (1000, 2))
    drawn = drawn[drawn[:, 0] != drawn[:, 1]]
    alike = y[drawn[:, 0]] == y[drawn[:, 1]]
    return {"must_link": drawn[alike][:60], "cannot_link": drawn[~alike][:60]}


def held(labels: np.ndarray, pairs: dict[str, np.ndarray]) -> float:
    """Return the share of pairs that the labels satisfy, averaged over both kinds."""
    same = {name: labels[ends[:, 0]] == labels[ends[:, 1]] for name, ends in pairs.items()}
    return (same["must_link"].mean() + 1 - same["cannot_link"].mean()) / 2


@pytest.mark.parametrize("scheme", [Single, Ensemble, Kingdra, KingdraPlus])
def test_outputs_are_the_classes_of_the_labels(scheme: type, blobs, given) -> None:
    """Without labels, a quarter of the points would get the number of their class by chance."""
    X, y = blobs
    model = make(scheme).fit(X, given)
    assert (model.labels_ == y)[given < 0].mean() > 0.8
    np.testing.assert_array_equal(model.labels_[given >= 0], given[given >= 0])
    assert (model.predict(X) == y)[given < 0].mean() > 0.8
    if scheme is not Single:
        assert min((own == y).mean() for own in model.model_labels_) > 0.7  # each model's labels, unaligned


@pytest.mark.parametrize("scheme", [Kingdra, KingdraPlus])
def test_pseudo_labels_keep_to_labels_and_pairs(scheme: type, blobs, given, pairs) -> None:
    sets = []

    class Watch(KillAt):
        def iteration(self, it) -> None:
            sets.append(it.pseudo_labels)

    make(scheme, monitor=Watch()).fit(blobs[0], given, **pairs)
    assert len(sets) == 1 + SETTINGS[scheme]["n_iter"]
    for labels in sets:
        np.testing.assert_array_equal(labels[given >= 0], given[given >= 0])
        one, other = labels[pairs["must_link"]].T
        np.testing.assert_array_equal(one, other)
        one, other = labels[pairs["cannot_link"]].T
        assert not ((one == other) & (one >= 0)).any()


BASES = {
    "ladder_im": LadderIM(hidden=(32,), denoising_costs=(10.0, 1.0, 0.1)),
    "imsat_vat": IMSATVAT(hidden=(32,), radius_scale=0.4, xi=5.0),
    "rim": RIM(hidden=(32,)),
}


@pytest.mark.parametrize("base", BASES)
def test_pairs_are_a_term_of_the_loss(base: str, digits) -> None:
    """Use digits, whose clusters do not satisfy the pairs by themselves."""
    X, y = digits
    ends = np.random.default_rng(0).integers(0, len(y), (20_000, 2))
    ends = ends[ends[:, 0] != ends[:, 1]]
    alike = y[ends[:, 0]] == y[ends[:, 1]]
    pairs = {"must_link": ends[alike][:300], "cannot_link": ends[~alike][:300]}
    plain, linked = (Single(10, base=BASES[base], epochs=8, random_state=0, device="cpu") for _ in range(2))
    assert "linked" not in plain.fit(X).history_
    assert linked.fit(X, **pairs).history_["linked"].iloc[-1] > 0
    assert held(linked.labels_, pairs) > held(plain.labels_, pairs)


def test_classes_without_a_label_are_found_like_clusters(digits) -> None:
    X, y = digits
    given = draw_labels(y, 10, 5, seed=0)
    some = np.where(given < 4, given, -1)
    settings = {"n_models": 3, "first_epochs": 6, "n_iter": 1, "epochs": 2}
    model = Kingdra(10, base=BASES["ladder_im"], random_state=0, device="cpu", **settings).fit(X, some)
    assert (model.labels_ == y)[(some < 0) & (y < 4)].mean() > 0.6
    assert len(np.unique(model.labels_)) > 6


@pytest.mark.parametrize("c", [0, 1, 2])
def test_labels_of_one_class_leave_the_others_to_be_found(c: int) -> None:
    """Batch norm would treat a supervised batch of a single class as if it were the whole data set."""
    X, y = make_blobs(N, centers=np.eye(3), cluster_std=0.08, random_state=0)
    some = np.where((y == c) & (np.arange(N) < 90), y, -1)
    model = Ensemble(3, base=IMSATVAT(hidden=(32,)), n_models=3, epochs=30, random_state=0, device="cpu").fit(
        X, some
    )
    assert clustering_accuracy(y, model.labels_) > 0.95
    assert (model.labels_[y == c] == c).all()


@pytest.mark.parametrize(
    "y",
    [
        *(None, np.full(N, -1), np.arange(N) % K, np.linspace(0, 1, N)),
        *(np.arange(N) % K + 1, np.arange(N, dtype=np.uint16), np.where(np.arange(N) % 2, "+", "-")),
    ],
)
def test_a_y_that_is_no_labels_to_learn_from_changes_nothing(y, blobs) -> None:
    """scikit-learn passes the classes of all points to every estimator; clusterers must ignore them."""
    X = blobs[0]
    model, plain = make(Single, epochs=1).fit(X, y), make(Single, epochs=1).fit(X)
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))


def test_a_label_more_is_another_fit(blobs, given) -> None:
    """Show that the test above can fail."""
    X = blobs[0]
    model, plain = make(Single, epochs=1).fit(X, given), make(Single, epochs=1).fit(X)
    assert not np.array_equal(model.predict_proba(X), plain.predict_proba(X))


def test_a_killed_fit_with_labels_and_pairs_ends_as_one_never_killed(
    blobs, given, pairs, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("kingdra_repro.training.worker.SHARE_WITHIN_PHASES", float("inf"))
    X = blobs[0]
    straight = make(Kingdra).fit(X, given, **pairs)
    for step in (20, 80):  # in the first phase of 8 epochs of 9 steps, and in the first iteration
        folder = tmp_path / str(step)
        with pytest.raises(Killed):
            make(Kingdra, checkpoint_dir=folder, monitor=KillAt(step)).fit(X, given, **pairs)
        resumed = make(Kingdra, checkpoint_dir=folder).fit(X, given, **pairs)
        np.testing.assert_array_equal(resumed.labels_, straight.labels_)
        np.testing.assert_array_equal(resumed.predict_proba(X), straight.predict_proba(X))
        np.testing.assert_array_equal(resumed.pseudo_labels_, straight.pseudo_labels_)
    for other in ((given,), (draw_labels(blobs[1], K, 5, seed=1),)):  # no pairs; other labels
        with pytest.raises(InputError, match="belongs to other settings or data"):
            make(Kingdra, checkpoint_dir=folder).fit(X, *other)


def test_pairs_reach_other_processes(blobs, pairs) -> None:
    model = make(Ensemble, n_models=2, n_jobs=2, epochs=1).fit(blobs[0], **pairs)
    assert model.history_["linked"].iloc[0] > 0


@pytest.mark.parametrize(
    ("y", "pairs", "message"),
    [
        ([0, 4, -1], {}, "y must be classes 0 to 3, or -1; got values -1 to 4"),
        ([0.0, -1.0, 1.0], {}, "y must be integers of shape .* got float64"),
        ([0, -1], {}, "y must be integers of shape"),
        (["a", "", "b"], {}, "y must be integers of shape .*, -1 where not known; got <U1"),
        ([0, None, 1], {}, "y must be integers of shape .*, -1 where not known; got object"),
        (np.array([0.0, 1.0] + [-1.0] * (N - 2), object), {}, "y must be integers .*; got object"),
        (["0", "1"] + [" "] * (N - 2), {}, "y must be integers of shape .*, -1 where not known; got <U1"),
        (pd.Series([0, 1] + [pd.NA] * (N - 2), dtype=object), {}, "y must be integers .*; got object"),
        (pd.Series(["a", "b"] + [pd.NA] * (N - 2), dtype="string"), {}, "y must be integers .*; got object"),
        (np.array(["a", "b"] + ["?"] * (N - 2), TEXT), {}, "y must be integers .*, -1 where not known"),
        (["a", "?", "b"], {}, "y must be integers of shape .*, -1 where not known; got <U1"),
        (np.arange(N) % 2 * 3 - 2, {}, "y must be classes 0 to 3, or -1; got values -2 to 1"),
        ((np.arange(N) % K - 1).astype(np.uint8), {}, "y must be classes 0 to 3, or -1; got values 0 to 255"),
        (None, {"must_link": [[0, 1]], "cannot_link": [[0, 1]]}, "Rows 0 and 1 cannot be linked and must be"),
        ([0, 1, -1], {"must_link": [[0, 1]]}, "Rows 0 and 1 must be linked, and have the classes 0 and 1"),
        (None, {"must_link": [[0, 9000]]}, "must_link names rows 0 to 9000: the data have rows 0 to 299"),
        (None, {"must_link": [(0, 1), (2,)]}, "must_link is not a list of pairs: give two row numbers each"),
        (None, {"must_link": [(0, 1)], "must_weight": ["a"]}, "must_weight has values that are not numbers"),
        (np.ma.masked_less(np.arange(N) % K - 1, 0), {}, "y has masked values: give -1 where a class is not"),
    ],
)
def test_what_contradicts_itself(y, pairs: dict, message: str, blobs) -> None:
    X = blobs[0]
    if y is not None and len(y) == 3:
        rest = np.full(len(X) - 3, "a" if "?" in y else -1, np.asarray(y).dtype)
        y = np.concatenate([y, rest])
    with pytest.raises(InputError, match=message):
        make(Kingdra).fit(X, y, **pairs)


def test_answers_are_of_as_many_rows_as_there_are(blobs) -> None:
    model = make(Single, epochs=1).fit(blobs[0])
    for n in (3, 5):
        with pytest.raises(InputError, match=rf"labels of shape \({n},\) do not fit 4 rows"):
            model.predict_with_certainty(blobs[0][:4], np.zeros(n, int))


@pytest.mark.parametrize("labels", [[0, 1, -1, 0], [0, 1, K, 0], [0.0, 1.5, 2.0, 0.0], ["a", "b", "c", "d"]])
def test_answers_are_of_clusters_that_there_are(labels, blobs) -> None:
    model = make(Single, epochs=1).fit(blobs[0])
    with pytest.raises(InputError, match="labels must be clusters from 0 to 3, as integers, such as labels_"):
        model.predict_with_certainty(blobs[0][:4], labels)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a", "b", "a", "b"], "y must be integers, the class of each point; got <U1 of shape"),
        ([0.0, np.nan, 1.0, 1.0], "y must be integers, the class of each point; got float64 of shape"),
        ([[0, 1], [0, 1]], r"y must be integers, the class of each point; got int64 of shape \(2, 2\)"),
        ([0, -1, 1, 1], "y must be classes from 0, known of every point; got -1"),
        ([0, 0, 2, 2], "y has no point of class 1: number the classes without a gap"),
        ([0, 0, 1, 10**15], "y has a class 1000000000000000, and 4 points: number the classes without a gap"),
        (np.array([0, 2**64 - 1], np.uint64), "y has a class 18446744073709551615, and 2 points"),
    ],
)
def test_labels_are_drawn_of_classes_alone(y, message: str) -> None:
    with pytest.raises(InputError, match=message):
        draw_labels(np.array(y), 3, 1)


def test_a_classifier_takes_pairs_beside_its_labels(blobs, given, pairs) -> None:
    assert "linked" in make(SemiSupervised).fit(blobs[0], given, **pairs).history_
