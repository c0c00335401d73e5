"""map.json: the points in two dimensions."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.decomposition import PCA

from kingdra_repro.bases import LadderIM
from kingdra_repro.data import load_custom
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.errors import InputError
from kingdra_repro.methods import DEC, KMeans, Single
from kingdra_repro.runs import map as maps
from kingdra_repro.runs.explorer import make_explorer
from kingdra_repro.runs.map import WIDTH, check_layout, make_map, write_map

SMALL = {"epochs": 1, "random_state": 0, "device": "cpu"}


def noise(n=40, d=5) -> Dataset:
    return Dataset("noise", np.random.default_rng(0).normal(size=(n, d)).astype(np.float32), None, 2)


@pytest.mark.parametrize(
    "method", [Single(2, base=LadderIM(hidden=(8, 6)), **SMALL), DEC(2, hidden=(8,), max_iter=2, **SMALL)]
)
def test_principal_components_of_the_last_hidden_layer(method):
    data = noise()
    labels = method.fit(data.X).labels_
    found = make_map(data, method, labels, "pca")
    xy = PCA(2).fit_transform(method.last_hidden_layer(data.X))
    for shown, component in zip((found["x"], found["y"]), xy.T, strict=True):
        assert abs(np.corrcoef(shown, component)[0, 1]) > 0.999
    assert max(*found["x"], *found["y"]) == WIDTH
    assert found["title"] == "First two principal components of the last hidden layer"
    assert found["points"]["labels"] == labels.tolist()


def test_without_a_network_the_features_are_laid_out():
    data = noise()
    method = KMeans(2, random_state=0).fit(data.X)
    found = make_map(data, method, method.labels_, "pca")
    assert found["title"] == "First two principal components of the features"
    assert abs(np.corrcoef(found["x"], PCA(2).fit_transform(data.X)[:, 0])[0, 1]) > 0.999


def test_of_many_points_a_sample_is_shown_the_same_each_time(monkeypatch):
    monkeypatch.setattr(maps, "MOST_POINTS", 25)
    data = noise()
    labels = np.arange(40) % 2
    found = make_map(data, None, labels, "pca")
    assert (found["n"], len(found["x"])) == (40, 25)
    rows = found["points"]["rows"]
    assert rows == sorted(set(rows))
    assert found["points"]["labels"] == labels[rows].tolist()
    assert make_map(data, None, labels, "pca") == found


@pytest.mark.parametrize("layout", ["pca", "tsne"])
@pytest.mark.parametrize(("n", "d"), [(2, 1), (3, 4), (12, 1), (12, 3)])
def test_few_points_and_columns(layout, n, d):
    found = make_map(noise(n, d), None, np.arange(n) % 2, layout)
    assert len(found["x"]) == len(found["y"]) == n
    sparse = Dataset("sparse", sp.csr_matrix(np.eye(n, d + 1, dtype=np.float32)), None, 2)
    assert len(make_map(sparse, None, np.arange(n) % 2, layout)["x"]) == n


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("layout", ["pca", "tsne"])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_equal_points_are_in_one_place(layout, kind):
    """scikit-learn's t-SNE of equal points ends the process; a dead network gives such points."""
    data = Dataset("equal", kind(np.full((40, 3), 0.7, np.float32)), None, 2)
    found = make_map(data, KMeans(2), np.arange(40) % 2, layout)
    assert len({*zip(found["x"], found["y"], strict=True)}) == 1


def test_values_are_in_the_units_of_the_file(tmp_path):
    random = np.random.default_rng(0)
    table = pd.DataFrame({"born": random.integers(1930, 2005, 60), "share": random.random(60).round(3)})
    table["income"] = (20_000 + 10_000 * (np.arange(60) % 2) + random.integers(0, 999, 60)).astype(float)
    table["colour"] = np.where(np.arange(60) % 3, "red", "blue")
    table.to_csv(tmp_path / "people.csv", index=False)
    data = load_custom(tmp_path / "people.csv", n_clusters=2, categories="onehot")
    labels = np.arange(60) % 2
    explorer = make_explorer(data, labels)
    means = {name: (mean, of_all) for name, mean, of_all in explorer["clusters"][1]["features"]}
    assert means["income"] == (round(table["income"][1::2].mean()), round(table["income"].mean()))
    assert means["born"][1] == pytest.approx(table["born"].mean(), rel=1e-3)
    shown = make_map(data, None, labels, "pca")
    values = pd.DataFrame(shown["points"]["values"], columns=shown["columns"])
    pd.testing.assert_frame_equal(values[["born", "share", "income"]], table.iloc[:, :3].astype(float))
    np.testing.assert_array_equal(values["colour=red"], table["colour"] == "red")
    members = explorer["clusters"][1]["members"]
    of_members = pd.DataFrame(members["values"], columns=explorer["columns"])
    assert of_members["born"].tolist() == table["born"][members["rows"]].tolist()


def test_pixels_are_in_their_own_units(tmp_path):
    X = np.random.default_rng(0).integers(0, 256, (9, 3), dtype=np.uint8)
    np.save(tmp_path / "x.npy", X)
    data = load_custom(tmp_path / "x.npy", n_clusters=2)
    found = make_map(data, None, np.arange(9) % 2, "pca")
    np.testing.assert_allclose(found["points"]["values"], X, atol=0.01)


def test_a_layout_that_is_unknown_or_needs_a_package(monkeypatch, tmp_path):
    with pytest.raises(InputError, match=r"report.map must be one of pca, tsne, umap, none; got 'mds'"):
        check_layout("mds")
    monkeypatch.setattr(maps, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs umap-learn: pip install"):
        check_layout("umap")
    write_map(tmp_path, noise(), None, np.arange(40) % 2, "none")
    assert not list(tmp_path.iterdir())
