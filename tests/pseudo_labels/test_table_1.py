"""The methods for pseudo-labels that the paper's Table 1 compares with the graph."""

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits

from kingdra_repro import Kingdra
from kingdra_repro.bases import LadderIM
from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.pseudo_labels import ArgmaxPseudoLabels, KMeansPseudoLabels, ThresholdPseudoLabels

# Two models of three points; the second numbers its outputs in reverse.
PROBA = torch.tensor([[[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]], [[0.1, 0.9], [1.0, 0.0], [0.7, 0.3]]])


def no_features() -> torch.Tensor:
    raise AssertionError("features are K-means' alone")


def test_argmax_is_of_the_aligned_average() -> None:
    found = ArgmaxPseudoLabels()(PROBA, no_features)
    assert found.labels.tolist() == [0, 1, 1]  # averages .9 .1, .1 .9, .35 .65
    assert found.sizes.tolist() == [1, 2]
    assert found.complete


@pytest.mark.parametrize(
    ("threshold", "labels", "complete"),
    [(0.6, [0, 1, 1], True), (0.65, [0, 1, -1], True), (0.7, [0, 1, -1], True), (0.95, [-1, -1, -1], False)],
)
def test_threshold_is_of_the_aligned_average(threshold: float, labels: list[int], complete: bool) -> None:
    found = ThresholdPseudoLabels(threshold=threshold)(PROBA, no_features)
    assert found.labels.tolist() == labels
    assert found.complete == complete


def test_an_output_that_no_point_has_is_not_trained_on() -> None:
    one_sided = torch.tensor([[[0.9, 0.1]] * 50])
    assert not ArgmaxPseudoLabels(min_fraction=0.0)(one_sided, no_features).complete


def test_k_means_clusters_the_features() -> None:
    """The features form three groups; the outputs are uniform and do not show them."""
    y = np.arange(90) % 3
    features = torch.from_numpy(np.eye(3, dtype=np.float32)[y]) + 0.01 * torch.arange(90)[:, None] / 90
    found = KMeansPseudoLabels()(torch.full((2, 90, 3), 1 / 3), lambda: features)
    assert clustering_accuracy(y, found.labels.numpy()) == 1.0
    assert found.sizes.tolist() == [30, 30, 30]
    assert found.labels.dtype == torch.int64


def test_k_means_begins_as_it_is_told() -> None:
    """On points without any groups, different initialisations lead to different clusters."""
    features = torch.rand(200, 4, generator=torch.Generator().manual_seed(0))
    found = KMeansPseudoLabels(n_init=2, random_state=5)(torch.full((1, 200, 6), 1 / 6), lambda: features)
    expected = KMeans(6, n_init=2, random_state=5).fit_predict(features.numpy())
    assert found.labels.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ThresholdPseudoLabels(threshold=1.0),
            "threshold must be a number of at least 0 and below 1; got 1.0",
        ),
        (lambda: KMeansPseudoLabels(n_init=0), "n_init must be an integer of at least 1; got 0"),
        (lambda: ArgmaxPseudoLabels(min_fraction=2), "min_fraction must be a number from 0 to 1; got 2"),
    ],
)
def test_user_errors(make, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    ("way", "floor"),
    [
        pytest.param("argmax", 0.7, marks=pytest.mark.slow),
        pytest.param("kmeans", 0.65, marks=pytest.mark.slow),
        (ThresholdPseudoLabels(threshold=0.5), 0.7),
    ],
    ids=["argmax", "kmeans", "threshold"],
)
def test_kingdra_trains_on_them(way, floor: float) -> None:
    """Observed accuracies: .81, .76 and .82."""
    digits = load_digits()
    X, y = (digits.data / 16).astype(np.float32), digits.target
    model = Kingdra(
        10,
        base=LadderIM(hidden=(64,), denoising_costs=(10.0, 1.0, 0.1)),
        n_models=3,
        n_iter=2,
        first_epochs=15,
        epochs=3,
        pseudo_labels=way,
        order="file",
        random_state=0,
        device="cpu",
    ).fit(X)
    assert set(model.history_["rule"]) == {"given"}
    assert model.history_["supervised"].iloc[-1] < 1.0  # log(10) = 2.3 if they were not learned
    assert clustering_accuracy(y, model.labels_) > floor
