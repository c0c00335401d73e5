"""Clustering with a few labels or linked pairs: ConstrainedAutoencoder and ConstrainedKMeans."""

from pathlib import Path

import numpy as np
import pytest
import torch

from kingdra_repro.data.links import Links, closure
from kingdra_repro.errors import InputError
from kingdra_repro.methods import ConstrainedAutoencoder, ConstrainedKMeans, draw_labels
from kingdra_repro.methods.constrained_batches import ConstrainedBatches
from kingdra_repro.methods.constrained_loss import ConstrainedLoss, balancing, class_means, update_centres
from kingdra_repro.training.linked_pairs import LinkedPairs
from kingdra_repro.training.rows import Rows
from tests.methods.conftest import KillAt, Killed

QUICK = {"hidden": (64,), "epochs": 5, "clustering_epochs": 5, "annealing": (1, 4), "learning_rate": 0.003}


def model(**settings) -> ConstrainedAutoencoder:
    return ConstrainedAutoencoder(10, **{**QUICK, "random_state": 0, "device": "cpu", **settings})


@pytest.fixture(scope="module")
def given(digits) -> np.ndarray:
    return draw_labels(digits[1], 10, 5, seed=0)


def test_labels_draw_the_codes_to_their_classes(digits, given) -> None:
    """Observed on the unlabelled points: 0.81 with constrained K-means, 0.87 with the autoencoder."""
    (X, y), hidden = digits, given < 0
    kmeans = ConstrainedKMeans(10).fit(X, given)
    fitted = model(epochs=10, clustering_epochs=5, unlabelled_pairs="none").fit(X, given)
    assert (kmeans.labels_ == y)[hidden].mean() > 0.75
    assert (fitted.labels_ == y)[hidden].mean() > 0.8
    for one in (kmeans, fitted):
        np.testing.assert_array_equal(one.labels_[~hidden], y[~hidden])
        np.testing.assert_array_equal(one.predict(X)[hidden], one.labels_[hidden])
        assert one.labels_.dtype == one.predict(X).dtype == np.int64
    np.testing.assert_array_equal(ConstrainedKMeans(10).fit_predict(X, given), kmeans.labels_)


def test_pictures_go_through_convolutions(digits, given) -> None:
    X, y = digits[0][:400], digits[1][:400]
    few = draw_labels(y, 10, 3, seed=0)
    fitted = model(image_shape=(8, 8), epochs=3, clustering_epochs=2, learning_rate=0.0001).fit(X, few)
    assert type(fitted._network).__name__ == "ConvolutionalAutoencoder"
    assert (fitted.labels_ == y)[few < 0].mean() > 0.4  # observed: 0.86; a single cluster would have 0.1
    history = fitted.history_
    assert history["loss"][2] < history["loss"][0]
    assert set(history) >= {"lambda", "reconstruction", "pairwise_labelled", "clustering_unlabelled"}


def test_the_total_is_the_sum_of_the_terms_of_eq_3(digits, given) -> None:
    last = model(epochs=1, clustering_epochs=3).fit(digits[0], given).history_.iloc[-1]
    labelled = last["pairwise_labelled"] + last["clustering_labelled"]
    unlabelled = last["pairwise_unlabelled"] + last["clustering_unlabelled"]
    total = labelled + last["lambda"] * unlabelled + last["reconstruction"]
    assert last["lambda"] == pytest.approx(2 / 3)
    assert last["loss"] == pytest.approx(total, rel=1e-5)


def test_a_step_s_loss_and_centres_are_those_of_loops_in_float64(digits, given) -> None:
    network = model(epochs=1, clustering_epochs=0).fit(digits[0], given)._network
    rows = Rows(digits[0], torch.device("cpu"))
    batches = ConstrainedBatches(given, None, 16, 8, seed=0)
    no_pairs = lambda which, log_p: torch.full((len(which),), -1)  # noqa: E731
    loss = ConstrainedLoss(network, rows, given, batches, 2.0, "pairs", no_pairs)
    mu = loss.centres.double().numpy()
    count = np.tile(np.bincount(given[given >= 0]), (2, 1)).astype(np.float64)  # both counts start here
    batch = batches.epoch(0, 0, rows.device)[0]
    with torch.no_grad():
        terms = loss(batch, 0.5)
        z = network(rows[batch]).double().numpy()
    n_unlabelled = len(batch) - 16
    nearest = ((z[:, None] - mu) ** 2).sum(2).argmin(1)
    cluster = np.where(np.arange(len(batch)) < n_unlabelled, nearest, given[batch.numpy()])
    for kind, members in enumerate((range(n_unlabelled, len(batch)), range(n_unlabelled))):
        for i in members:
            count[kind][cluster[i]] += 1
            mu[cluster[i]] -= (mu[cluster[i]] - z[i]) / count[kind][cluster[i]]
    np.testing.assert_allclose(loss.centres.numpy(), mu, atol=1e-6)
    distance = ((z - mu[cluster]) ** 2).sum(1)
    assert float(terms["clustering_unlabelled"]) == pytest.approx(distance[:n_unlabelled].mean(), rel=1e-6)
    assert float(terms["clustering_labelled"]) == pytest.approx(distance[n_unlabelled:].mean(), rel=1e-6)


def test_centres_in_closed_form_are_those_of_the_rule_point_by_point() -> None:
    """Eqs. 19 and 20 are mu <- mu - (mu - z) / N, where N grows by one with each point."""
    rng = np.random.default_rng(0)
    z, assigned = rng.uniform(-1, 1, (40, 5)), rng.integers(0, 3, 40)  # cluster 3 gets no points
    centres, count = rng.uniform(-1, 1, (4, 5)), np.array([3.0, 1.0, 250.0, 7.0])
    mu, n = centres.copy(), count.copy()
    for one, k in zip(z, assigned, strict=True):
        n[k] += 1
        mu[k] -= (mu[k] - one) / n[k]
    ours, later = update_centres(*map(torch.from_numpy, (centres, count, z, assigned)))
    np.testing.assert_allclose(ours.numpy(), mu, atol=1e-12)
    np.testing.assert_array_equal(later.numpy(), n)


def test_centres_begin_as_the_means_of_their_classes() -> None:
    z = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 5.0]])
    centres, count = class_means(z, torch.tensor([1, 1, 0]), 2)
    assert centres.tolist() == [[0, 5], [2, 0]]
    assert count.tolist() == [1, 2]


def test_codes_get_their_gradient_through_the_moved_centres() -> None:
    z = torch.zeros(2, 3, requires_grad=True)
    centres, _ = update_centres(torch.ones(1, 3), torch.tensor([2.0]), z, torch.tensor([0, 0]))
    centres.sum().backward()
    assert torch.allclose(z.grad, torch.full((2, 3), 0.25))


def test_while_lambda_is_0_labelled_points_alone_move_the_centres(digits, given) -> None:
    network = model(epochs=0, clustering_epochs=0).fit(digits[0], given)._network
    rows = Rows(digits[0], torch.device("cpu"))
    batches = ConstrainedBatches(given, None, 16, 8, seed=0)
    batch = batches.epoch(0, 0, rows.device)[0]
    no_pairs = lambda which, log_p: torch.full((len(which),), -1)  # noqa: E731
    loss = ConstrainedLoss(network, rows, given, batches, 2.0, "pairs", no_pairs)
    labelled = batches.parts(batch)[1]
    with torch.no_grad():
        z = network(rows[labelled])
        expected = update_centres(loss.centres, loss.counts[0], z, loss.labels[labelled])
        loss(batch, 0.0)
    torch.testing.assert_close(loss.centres, expected[0])
    torch.testing.assert_close(loss.counts[0], expected[1])


def test_codes_at_the_corners_of_the_tanh_cube_give_finite_losses_and_gradients(digits, given) -> None:
    """Check the whole loss, with the centres at corners too, linked pairs and pairs of predicted classes."""
    network = model(epochs=1, clustering_epochs=0).fit(digits[0], given)._network
    rows = Rows(digits[0], torch.device("cpu"))
    links = Links.of(len(digits[0]), [[0, 1]], [[2, 3]])
    batches = ConstrainedBatches(
        given, LinkedPairs(closure(len(digits[0]), links), rows.device), 16, 8, seed=0
    )
    predicted = lambda which, log_p: log_p.argmax(1)  # noqa: E731
    loss = ConstrainedLoss(network, rows, given, batches, 2.0, "kinds", predicted)
    loss.centres = torch.sign(loss.centres)
    corners = torch.sign(torch.randn(len(digits[0]), loss.centres.shape[1], generator=torch.manual_seed(0)))
    corners.requires_grad_()
    batch = batches.epoch(0, 0, rows.device)[0]
    network.forward = lambda x: corners[batch]
    terms = loss(batch, 1.0)
    (gradient,) = torch.autograd.grad(terms["loss"], corners)
    assert all(torch.isfinite(value) for value in terms.values())
    assert torch.isfinite(gradient).all()
    assert gradient.any()
    assert torch.isfinite(loss.centres).all()


def test_the_first_phase_may_be_left_out(digits, given) -> None:
    found = model(epochs=0, clustering_epochs=2).fit(digits[0], given)
    assert found.history_["lambda"].notna().sum() == 2


def test_lambda_rises_as_the_document_says() -> None:
    assert [balancing(t, (4, 40), 1.0) for t in (1, 4, 22, 40, 60)] == [0, 0, 0.5, 1, 1]
    assert [balancing(t, (0, 0), 0.1) for t in (1, 60)] == [0.1, 0.1]


def test_an_epoch_is_a_pass_over_the_larger_part(digits, given) -> None:
    batches = ConstrainedBatches(given, None, 64, 32, seed=0)
    parts = [batches.parts(batch) for batch in batches.epoch(0, 0, torch.device("cpu"))]
    unlabelled = torch.cat([part[0] for part in parts])
    assert sorted(unlabelled.tolist()) == np.flatnonzero(given < 0).tolist()
    for _, labelled, _ in parts:
        labelled, others = labelled.numpy().reshape(2, 32)
        np.testing.assert_array_equal(given[labelled], given[others])
        assert (labelled != others).all()
    many = np.where(np.arange(len(given)) < 100, -1, digits[1])
    assert len(ConstrainedBatches(many, None, 64, 32, seed=0).epoch(0, 0, torch.device("cpu"))) == -(
        -1697 // 32
    )


def test_a_killed_fit_ends_as_one_never_killed(digits, given, assert_resumes) -> None:
    """With 320 points, an epoch has 2 steps in the first phase and 5 in the second."""
    X, y = digits[0][:320], given[:320].copy()
    y[np.setdiff1d(np.arange(10), y)] = digits[1][np.setdiff1d(np.arange(10), y)]  # row c has class c

    def small(**settings) -> ConstrainedAutoencoder:
        return model(epochs=3, clustering_epochs=3, **settings)

    assert_resumes(small, X, y, steps=(4, 7, 12))


def test_an_autoencoder_that_is_kept_is_trained_once(digits, given, tmp_path: Path) -> None:
    X, settings = digits[0], {"epochs": 2, "clustering_epochs": 1}
    straight = model(**settings).fit(X, given)
    others = draw_labels(digits[1], 10, 5, seed=1)
    for labels, is_kept in ((given, False), (given, True), (others, True)):
        monitor = KillAt()
        kept = model(autoencoder_dir=tmp_path, monitor=monitor, **settings).fit(X, labels)
        if labels is given:
            np.testing.assert_array_equal(kept.labels_, straight.labels_)
        assert monitor.notified == [1, 2, 3]
        assert (monitor.done[0] > settings["epochs"]) == is_kept  # the first step is one of the second phase
    assert len(list(tmp_path.iterdir())) == 1


def test_a_fit_that_goes_on_in_the_second_phase_does_not_tell_of_the_first_again(
    digits, given, tmp_path: Path, monkeypatch
) -> None:
    """If phase 1 were notified again, a run's history.csv would lose the rows written before the kill."""
    monkeypatch.setattr("kingdra_repro.methods.network_fit.SHARE_WITHIN_PHASES", float("inf"))
    settings = {"epochs": 3, "clustering_epochs": 3, "autoencoder_dir": tmp_path / "kept"}
    straight = model(**settings).fit(digits[0], given)
    with pytest.raises(Killed):  # in the last epoch
        model(checkpoint_dir=tmp_path / "c", monitor=KillAt(60), **settings).fit(digits[0], given)
    again = KillAt()
    resumed = model(checkpoint_dir=tmp_path / "c", monitor=again, **settings).fit(digits[0], given)
    assert again.notified == [5, 6]
    np.testing.assert_array_equal(resumed.labels_, straight.labels_)


def test_pairs_of_confident_points_alone(digits, given) -> None:
    log_p = torch.log(torch.tensor([[0.96, 0.04], [0.5, 0.5], [0.1, 0.9]]))
    rows = torch.arange(3)
    assert model(unlabelled_pairs="predicted")._pair_classes(rows, log_p).tolist()[::2] == [0, 1]
    assert model(unlabelled_pairs="confident")._pair_classes(rows, log_p).tolist() == [0, -1, -1]
    assert model(unlabelled_pairs="none")._pair_classes(rows, log_p).tolist() == [-1, -1, -1]


def test_linked_pairs_pull_and_push(digits, given) -> None:
    X, y = digits
    rng = np.random.default_rng(0)
    pairs = rng.choice(np.flatnonzero(given < 0), (600, 2), replace=False)
    alike = y[pairs[:, 0]] == y[pairs[:, 1]]
    links = {"must_link": pairs[alike], "cannot_link": pairs[~alike]}
    without, fitted = model().fit(X, given), model().fit(X, given, **links)

    def held(labels: np.ndarray) -> float:
        return float(((labels[pairs[:, 0]] == labels[pairs[:, 1]]) == alike).mean())

    assert held(fitted.labels_) > held(without.labels_)
    assert fitted.history_["pairwise_linked"].iloc[-1] < fitted.history_["pairwise_linked"].dropna().iloc[0]


def test_relations_among_linked_points_are_closed_but_for_uncertain_pairs() -> None:
    links = Links.of(8, [[0, 1], [1, 2], [5, 6]], [[2, 3], [6, 7]], [1, 1, 0.5], [1, 0.25])
    relation, weight = LinkedPairs(closure(8, links), torch.device("cpu")).relations(torch.arange(8))
    expected = np.zeros((8, 8), int)
    for i, j, how in [
        (0, 1, 1),
        (0, 2, 1),
        (1, 2, 1),
        (0, 3, -1),
        (1, 3, -1),
        (2, 3, -1),
        (5, 6, 1),
        (6, 7, -1),
    ]:
        expected[i, j] = expected[j, i] = how
    np.testing.assert_array_equal(relation.numpy(), expected)
    assert (weight[0, 1], weight[5, 6], weight[7, 6]) == (1, 0.5, 0.25)


def test_a_linked_point_has_the_class_of_the_labelled_one(digits, given) -> None:
    X, y = digits
    labelled, other = np.flatnonzero(given >= 0)[0], np.flatnonzero((y != y[given >= 0][0]) & (given < 0))[0]
    fitted = model(epochs=1, clustering_epochs=0).fit(X, given, must_link=[[labelled, other]])
    assert fitted.labels_[other] == given[labelled] != y[other]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"annealing": (40, 4)}, "annealing must be two epochs"),
        ({"margin": 0}, "margin must be a positive number; got 0"),
        ({"unlabelled_pairs": "true"}, "must be one of predicted, confident, none"),
        ({"centres": "fixed"}, "must be one of running, epoch"),
        ({"balance": "both"}, "must be one of pairs, kinds"),
        ({"image_shape": (7, 9)}, "image_shape must be a shape of 64 numbers"),
        ({"n_clusters": 9}, "y must be classes 0 to 8, or -1; got values -1 to 9"),
        ({"n_clusters": 12}, "y must have labels of all 12 classes; got none of class 10"),
    ],
)
def test_parameters_that_have_no_meaning(settings: dict, message: str, digits, given) -> None:
    with pytest.raises(InputError, match=message):
        model().set_params(**settings).fit(digits[0], given)


@pytest.mark.parametrize("make", [model, lambda: ConstrainedKMeans(10)])
def test_labels_that_do_not_fit(make, digits, given) -> None:
    X, y = digits
    with pytest.raises(InputError, match="got none of class 0"):
        make().fit(X, np.full(len(y), -1))
    with pytest.raises(InputError, match="got none of class 3"):
        make().fit(X, np.where(given == 3, -1, given))
    with pytest.raises(InputError, match="y is missing"):
        make().fit(X, None)


def test_labels_of_all_points_leave_nothing_to_cluster(digits) -> None:
    with pytest.raises(InputError, match="y labels every point"):
        model().fit(*digits)


def test_contradictions_are_reported_with_their_rows(digits, given) -> None:
    one, other = (int(np.flatnonzero(given == c)[0]) for c in (0, 1))
    for links, message in [
        ({"must_link": [[one, 5], [5, 6]], "cannot_link": [[6, one]]}, f"must be linked .6 - 5 - {one}."),
        (
            {"must_link": [[one, 5], [5, other]]},
            f"Rows {min(one, other)} and {max(one, other)} must be linked, and have the classes",
        ),
        ({"cannot_link": [np.flatnonzero(given == 0)[:2]]}, "have the class 0, and the pairs say"),
    ]:
        with pytest.raises(InputError, match=message):
            model().fit(digits[0], given, **links)
