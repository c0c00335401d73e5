"""Ward's method without a distance matrix, compared with scikit-learn's and scipy's, which use one."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.cluster.hierarchy import ward
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score

from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.methods import Agglomerative
from kingdra_repro.methods import ward as ward_module
from kingdra_repro.methods.ward import cut_tree, ward_tree

RNG = np.random.default_rng(0)
BLOBS = RNG.normal(size=(8, 5))[RNG.integers(0, 8, 700)] * 4 + RNG.normal(size=(700, 5))
SHAPES = {
    "few": RNG.normal(size=(30, 3)),
    "plane": RNG.normal(size=(1000, 2)),
    "wide": RNG.normal(size=(600, 50)),
    "blobs": BLOBS,
    "far from 0": BLOBS + 1e4,
    "heavy tails": np.exp(3 * RNG.normal(size=(500, 20))),
    "line": np.cumsum(RNG.random(400))[:, None],
    "huge": 1e18 * RNG.normal(size=(200, 4)),
    "tiny": 1e-18 * RNG.normal(size=(200, 4)),
    "copies": np.repeat(RNG.normal(size=(60, 4)), RNG.integers(1, 40, 60), axis=0),
}


@pytest.mark.parametrize("name", SHAPES)
def test_partitions_and_heights_are_scikit_learn_s(name: str) -> None:
    X = SHAPES[name].astype(np.float32)
    reference = ward(X.astype(np.float64))[:, 2]
    model = Agglomerative(2, device="cpu").fit(X)
    np.testing.assert_allclose(model.distances_, np.sort(reference), rtol=1e-9, atol=1e-9 * reference.max())
    for k in (2, 3, 5, 10, 25):
        labels = cut_tree(model.merges_, model.distances_, k)
        expected = AgglomerativeClustering(k).fit(X.astype(np.float64)).labels_
        assert adjusted_rand_score(expected, labels) == 1.0
        assert len(np.unique(labels)) == k


@pytest.mark.parametrize(
    "searching",
    [{"N_NEIGHBOURS": 1}, {"N_NEIGHBOURS": 3, "ROWS": 7, "COLUMNS": 11}, {"MIN_MERGE_FRACTION": 1.1}],
)
def test_how_it_searches_does_not_matter(searching: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    X = SHAPES["blobs"].astype(np.float32)
    expected = Agglomerative(8, device="cpu").fit(X)
    for name, value in searching.items():
        monkeypatch.setattr(ward_module, name, value)
    model = Agglomerative(8, device="cpu").fit(X)
    np.testing.assert_array_equal(model.labels_, expected.labels_)
    np.testing.assert_allclose(model.distances_, expected.distances_, rtol=1e-12)


def test_float32_is_not_trusted_beyond_its_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """One point is so far away that float32 products cannot resolve the distances of the others."""
    X = np.vstack([BLOBS, np.full((1, 5), 3e5)]).astype(np.float32)
    dtypes = []
    search = ward_module.Clusters._search
    monkeypatch.setattr(
        ward_module.Clusters,
        "_search",
        lambda self, rows, dtype: (dtypes.append(dtype), search(self, rows, dtype))[1],
    )
    model = Agglomerative(9, device="cpu").fit(X)
    assert torch.float64 in dtypes
    expected = AgglomerativeClustering(9).fit(X.astype(np.float64)).labels_
    assert adjusted_rand_score(expected, model.labels_) == 1.0


@pytest.mark.parametrize(
    "X",
    [
        np.eye(40),
        np.random.default_rng(1).integers(0, 3, (60, 3)),
        np.arange(30.0)[:, None],
        np.ones((12, 2)),
        np.stack(np.meshgrid(np.arange(6), np.arange(6)), -1).reshape(-1, 2),
    ],
    ids=["simplex", "integers", "line", "one point", "grid"],
)
def test_ties_are_merged_in_some_order_that_ward_allows(X: np.ndarray) -> None:
    """Replay the merges by height: each must join two clusters of least distance, up to rounding."""
    X = X.astype(np.float64)
    merges, heights = ward_tree(X.astype(np.float32), torch.device("cpu"))
    clusters = {i: [i] for i in range(len(X))}
    order = heights.argsort(kind="stable")
    for (a, b), height in zip(merges[order], heights[order], strict=True):
        names = list(clusters)
        sizes = np.array([len(clusters[name]) for name in names])
        centroids = np.array([X[clusters[name]].mean(0) for name in names])
        squared = ((centroids[:, None] - centroids) ** 2).sum(2)
        distances = squared / (1 / sizes[:, None] + 1 / sizes)
        np.fill_diagonal(distances, np.inf)
        assert distances[names.index(a), names.index(b)] == pytest.approx(distances.min(), abs=1e-9)
        assert height == pytest.approx(distances.min(), abs=1e-9)
        clusters[a] += clusters.pop(b)
    assert list(clusters) == [0]


def test_digits(digits) -> None:
    X, y = digits
    model = Agglomerative(10, device="cpu").fit(X)
    assert model.labels_.dtype == np.int64
    assert clustering_accuracy(y, model.labels_) > 0.8  # observed: .840, without any randomness
    np.testing.assert_array_equal(
        model.labels_, Agglomerative(10, device="cpu").fit(sp.csr_matrix(X)).labels_
    )


def test_labels_are_numbered_as_they_come() -> None:
    labels = Agglomerative(5, device="cpu").fit(SHAPES["few"]).labels_
    assert list(dict.fromkeys(labels)) == [0, 1, 2, 3, 4]


def test_the_monitor_is_notified_of_merges(digits) -> None:
    class Recorder:
        done: list[float] = []  # noqa: RUF012

        def progress(self, event) -> None:
            self.done.append(event.model_epochs_done / event.model_epochs_total)

    Agglomerative(10, device="cpu", monitor=Recorder()).fit(digits[0][:300])
    assert Recorder.done == sorted(Recorder.done)
    assert Recorder.done[-1] == 1.0


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(InputError, match="device=cuda:77 is not available on this machine"):
        Agglomerative(3, device="cuda:77").fit(SHAPES["few"])
