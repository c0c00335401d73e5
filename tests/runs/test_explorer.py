"""explorer.json: members, strongest columns, classes, and where the models disagree."""

import base64
import io
import json

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from PIL import Image
from sklearn.metrics.cluster import contingency_matrix
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.sources.preprocessing import Preprocessing
from kingdra_repro.runs.columns import top_features
from kingdra_repro.runs.explorer import make_explorer, write_explorer
from kingdra_repro.runs.thumbnails import sprite, thumbnails


def noise(n=300, shape=(28, 28), k=10, known=True):
    """Return random pictures, which no format compresses, and random clusters."""
    random = np.random.default_rng(0)
    X = random.random((n, int(np.prod(shape))), dtype=np.float32)
    y = random.integers(0, k, n) if known else None
    return Dataset("noise", X, y, k, image_shape=shape), random.integers(0, k, n)


def test_strongest_words_are_those_above_the_whole_set():
    X = sp.csr_matrix(np.array([[9, 3, 0], [9, 1, 0], [9, 0, 1], [8, 0, 0]], np.float32))
    data = Dataset("texts", X, None, 3, feature_names=["the", "moon", "faith"])
    found = top_features(data, np.array([0, 0, 1, 1]), 3, 5)
    assert found[0] == [["moon", 2.0, 1.0], ["the", 9.0, 8.75]]
    assert found[1] == [["faith", 0.5, 0.25]]
    assert found[2] == []  # an empty cluster


@pytest.mark.parametrize("scaler", [StandardScaler(with_mean=False), MaxAbsScaler()])
def test_means_of_sparse_columns_are_in_the_units_of_the_file(scaler):
    X = np.array([[900, 3, 0], [700, 1, 0], [0, 0, 20], [0, 0, 0]], np.float32)
    scaled = sp.csr_matrix(scaler.fit_transform(X), dtype=np.float32)
    data = Dataset("counts", scaled, None, 2, preprocessing=Preprocessing(scaler=scaler))
    found = top_features(data, np.array([0, 0, 1, 1]), 2, 5)
    assert {name: numbers for name, *numbers in found[0]} == {
        "column 0": [800.0, 400.0],
        "column 1": [2.0, 1.0],
    }
    assert found[1] == [["column 2", 10.0, 5.0]]


def test_strongest_columns_in_standard_deviations():
    random = np.random.default_rng(0)
    labels = np.arange(10_000) % 2  # more rows than are read at a time
    X = random.normal(size=(10_000, 3)).astype(np.float32) * [1000, 1, 0] + [5, 0, 7]
    X[labels == 1, 1] -= 2
    found = top_features(Dataset("table", X, None, 2), labels, 2, 3)
    assert [name for name, *_ in found[1]][:2] == ["column 1", "column 0"]
    assert "column 2" not in [name for name, *_ in found[1]]  # it is constant
    assert found[1][0][1:] == pytest.approx([X[labels == 1, 1].mean(), X[:, 1].mean()], rel=1e-3)


def decoded(made):
    picture = Image.open(io.BytesIO(base64.b64decode(made["uri"].partition(",")[2])))
    return np.asarray(picture.convert("RGB"))


def test_large_whole_numbers_are_those_of_the_table():
    numbers = 100_003_836 * (1 + np.arange(60) % 3) + 7 * np.arange(60)
    table = pd.DataFrame({"number": numbers, "part": np.arange(60) / 7})
    X = StandardScaler().fit_transform(table).astype(np.float32)
    scaler = StandardScaler().fit(table.to_numpy())
    data = Dataset(
        "t", X, None, 2, feature_names=list(table), table=table, preprocessing=Preprocessing(scaler=scaler)
    )
    explorer = make_explorer(data, np.arange(60) % 2)
    members = explorer["clusters"][1]["members"]
    assert explorer["columns"] == ["number", "part"]
    assert [row[0] for row in members["values"]] == numbers[members["rows"]].tolist()


def test_a_sprite_has_each_picture_in_its_place_dark_on_white():
    X = np.zeros((20, 6), np.float32)
    X[13, 4] = 2
    data = Dataset("d", X, None, 2, image_shape=(2, 3))
    made = sprite(thumbnails(data, np.arange(20), (0, 2)))
    assert (made["columns"], made["rows"], made["width"], made["height"]) == (12, 2, 3, 2)
    pixels = decoded(made)
    assert pixels.shape == (4, 36, 3)
    assert np.argwhere(pixels[:, :, 0] < 128).tolist() == [[2 + 1, 3 + 1]]


def test_large_and_coloured_pictures():
    data, _ = noise(n=3, shape=(40, 80, 3))
    made = sprite(thumbnails(data, np.arange(3), (0, 1)))
    assert (made["width"], made["height"]) == (32, 16)


class Squares:
    """A fake folder of pictures; all pixels of picture i are i / 10."""

    def batch(self, start, stop, size):
        return torch.full((stop - start, 3, size, size), start / 10)


def test_pictures_behind_features_are_shown():
    data = Dataset("pets", np.zeros((5, 4), np.float32), None, 2, pictures=Squares())
    explorer = make_explorer(data, np.array([0, 1, 1, 0, 1]))
    assert explorer["kind"] == "pictures"
    members = explorer["clusters"][1]["members"]
    shades = decoded(members["sprite"])[0, :: members["sprite"]["width"], 0]
    np.testing.assert_allclose(shades / 255, np.array(members["rows"]) / 10, atol=0.02)


def test_classes_and_agreement():
    data, labels = noise(k=4)
    votes = np.stack([labels, (labels + 1) % 4, labels])
    votes[2, labels == 3] = (np.arange((labels == 3).sum()) % 5 == 0) * 3  # disagrees on most of cluster 3
    explorer = make_explorer(data, labels, votes)
    table = contingency_matrix(data.y, labels)
    for number, cluster in enumerate(explorer["clusters"]):
        assert dict(map(tuple, cluster["counts"])) == {c: table[c, number] for c in range(4)}
        assert cluster["size"] == table[:, number].sum()
        assert cluster["members"]["classes"] == data.y[cluster["members"]["rows"]].tolist()
        assert (labels[cluster["members"]["rows"]] == number).all()
    assert {cluster["class"] for cluster in explorer["clusters"]} == {0, 1, 2, 3}
    assert explorer["clusters"][0]["sureness"] == 1
    assert explorer["clusters"][3]["sureness"] < 1
    assert sum(explorer["agreement"]) == len(labels)
    assert explorer["agreement"][3] == 300 - len(np.flatnonzero(votes[2] != labels))
    assert set(explorer["disputed"]["labels"]) == {3}
    assert len(explorer["disputed"]["votes"][0]) == 3


def test_clusters_are_called_as_given_labels_name_them():
    data, labels = noise(k=4, known=False)
    explorer = make_explorer(data, labels, names=["oak", "", "fir", ""])
    assert explorer["classes"] == ["oak", "", "fir", ""]
    assert [cluster["class"] for cluster in explorer["clusters"]] == [0, None, 2, None]
    assert [cluster["counts"] for cluster in explorer["clusters"]] == [[]] * 4
    known, labels = noise(k=4)
    assert make_explorer(known, labels, names=["oak", "", "fir", ""]) == make_explorer(known, labels)


def test_without_classes_and_without_an_ensemble():
    data, labels = noise(known=False)
    explorer = make_explorer(data, labels, labels[None])  # one model is no ensemble
    assert explorer["classes"] is None
    assert explorer["agreement"] is None
    assert explorer["disputed"]["rows"] == []
    assert {cluster["class"] for cluster in explorer["clusters"]} == {None}
    assert explorer["clusters"][0]["members"]["classes"] is None


@pytest.mark.parametrize(("shape", "k"), [((28, 28), 10), ((32, 32, 3), 10), ((96, 96, 3), 100)])
def test_the_file_stays_small(tmp_path, shape, k):
    data, labels = noise(n=2500, shape=shape, k=k)
    np.savez(tmp_path / "votes.npz", last=np.random.default_rng(1).integers(0, k, (10, 2500)))
    write_explorer(tmp_path, data, labels)
    assert (tmp_path / "explorer.json").stat().st_size < 400_000
    assert json.loads((tmp_path / "explorer.json").read_text())["n_models"] == 10


def test_many_words_and_clusters_stay_small(tmp_path):
    X = sp.random(3000, 2000, 0.02, "csr", np.float32, random_state=0)
    data = Dataset("texts", X, np.arange(3000) % 100, 100, feature_names=["a word of a length"] * 2000)
    write_explorer(tmp_path, data, np.arange(3000) % 100)
    assert (tmp_path / "explorer.json").stat().st_size < 300_000
