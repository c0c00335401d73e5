"""Deep embedded clustering."""

import numpy as np
import pytest
import torch

from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.methods import DEC
from kingdra_repro.methods.dec import soft_assignment, target_distribution
from kingdra_repro.methods.network_fit import NetworkFit
from kingdra_repro.training.rows import Rows

TINY = {"hidden": (8,), "epochs": 2, "batch_size": 16, "n_init": 1, "max_iter": 20, "device": "cpu"}


def make(**settings) -> DEC:
    defaults = {"hidden": (64, 64), "epochs": 30, "batch_size": 64, "random_state": 0, "device": "cpu"}
    return DEC(10, **{**defaults, "n_init": 5, **settings})


class Accuracies:
    def __init__(self, y: np.ndarray) -> None:
        self.y, self.seen = y, []

    def progress(self, event) -> None:
        pass

    def iteration(self, it) -> None:
        if it.labels is not None:
            self.seen.append(clustering_accuracy(self.y, it.labels))


def test_digits(digits) -> None:
    X, y = digits
    accuracies = Accuracies(y)
    model = make(monitor=accuracies).fit(X)
    # Seeds 0 to 2: .784 .750 .730, up from .720 .683 .702 with the initial K-means centres.
    assert clustering_accuracy(y, model.labels_) == accuracies.seen[-1] > 0.7
    assert accuracies.seen[-1] > accuracies.seen[0] + 0.02
    assert len(np.unique(model.labels_)) == 10
    assert model.labels_.dtype == model.predict(X).dtype == np.int64
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    history = model.history_
    assert history["loss"].dropna().iloc[-1] < 0.3 * history["loss"].iloc[0]
    targets = history[30:]
    assert targets["kl"].iloc[-1] < targets["kl"].dropna().max()
    assert (targets["changed"].iloc[1:-1] >= 0.001).all()
    assert targets["changed"].iloc[-1] < 0.001  # below tol, so training stopped


def test_soft_assignments_and_targets_against_their_definition() -> None:
    rng = np.random.default_rng(0)
    z, centres = rng.normal(size=(50, 4)), rng.normal(size=(6, 4))
    q = np.zeros((50, 6))
    for i in range(50):
        for j in range(6):
            q[i, j] = (1 + np.sum((z[i] - centres[j]) ** 2)) ** -1
        q[i] /= q[i].sum()
    p = np.zeros((50, 6))
    frequency = q.sum(0)
    for i in range(50):
        for j in range(6):
            p[i, j] = q[i, j] ** 2 / frequency[j]
        p[i] /= p[i].sum()
    ours = soft_assignment(torch.from_numpy(z).float(), torch.from_numpy(centres).float())
    np.testing.assert_allclose(ours.numpy(), q, rtol=1e-5)
    np.testing.assert_allclose(target_distribution(ours).numpy(), p, rtol=1e-5)
    np.testing.assert_allclose(ours.sum(1).numpy(), 1, rtol=1e-6)
    np.testing.assert_allclose(target_distribution(ours).sum(1).numpy(), 1, rtol=1e-6)


def test_targets_sharpen_and_weigh_large_clusters_down() -> None:
    q = torch.tensor([[0.6, 0.4], [0.6, 0.4], [0.6, 0.4], [0.4, 0.6]])
    p = target_distribution(q)
    assert p[3, 1] > q[3, 1]
    assert p[3, 1] > p[0, 0]


def test_batches_go_on_from_interval_to_interval(digits) -> None:
    """Draw steps 0 to 11, five per epoch, at once or in three parts cut at 4 and 7."""
    model, X = make(), digits[0][:320]
    fit = NetworkFit(X=X, rows=Rows(X, torch.device("cpu")), seed=0, checkpoint=None, monitor=None)
    whole = model._batches(fit, 0, 12)
    cut = model._batches(fit, 0, 4) + model._batches(fit, 4, 7) + model._batches(fit, 7, 12)
    assert len(whole) == len(cut) == 12
    assert all(torch.equal(a, b) for a, b in zip(whole, cut, strict=True))
    for first in (0, 5):
        assert sorted(torch.cat(whole[first : first + 5]).tolist()) == list(range(320))


def test_no_more_steps_than_asked_for(digits) -> None:
    model = make(hidden=(16,), epochs=1, max_iter=25, update_interval=10, tol=0.0).fit(digits[0])
    assert model.n_iter_ == 25
    assert len(model.history_) == 1 + 4  # targets before steps 0, 10 and 20, and after step 25


@pytest.mark.parametrize(("tol", "steps"), [(0.001, 5), (0.0, 15)])
def test_it_ends_where_fewer_points_than_tol_change(digits, tol: float, steps: int) -> None:
    """At this learning rate no point changes; with tol=0, the share of changed points is never below tol."""
    still = {"epochs": 1, "clustering_learning_rate": 1e-12, "max_iter": 15, "update_interval": 5}
    assert make(hidden=(8,), n_init=1, tol=tol, **still).fit(digits[0][:100]).n_iter_ == steps


def test_a_killed_fit_ends_as_one_never_killed(digits, assert_resumes) -> None:
    def small(**settings) -> DEC:
        return make(hidden=(16,), epochs=3, max_iter=20, update_interval=6, tol=0.0, **settings)

    # 15 steps of the autoencoder, then 20 of clustering. Kill in the second epoch of the autoencoder, just
    # after its last epoch, and after the second target.
    assert_resumes(small, digits[0][:320], steps=(7, 16, 24))


def test_a_seed_decides_the_result(digits, assert_seeded) -> None:
    assert_seeded(lambda **settings: make(**{"epochs": 2, "max_iter": 20, **settings}), digits[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"update_interval": 0}, "update_interval must be an integer of at least 1; got 0"),
        ({"max_iter": -1}, "max_iter must be an integer of at least 0; got -1"),
        ({"tol": 2}, "tol must be a number of at least 0 and below 1; got 2"),
        ({"momentum": 1.0}, "momentum must be a number of at least 0 and below 1; got 1.0"),
        ({"clustering_learning_rate": 0}, "clustering_learning_rate must be a positive number; got 0"),
        ({"masking": -0.1}, "masking must be a number of at least 0 and below 1; got -0.1"),
    ],
)
def test_user_errors(settings: dict, message: str, digits) -> None:
    with pytest.raises(InputError, match=message):
        DEC(**{"n_clusters": 3, **TINY, **settings}).fit(digits[0][:30])
