"""Names of columns, classes and rows, which reports show."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kingdra_repro.data import load_custom, load_newsgroups
from kingdra_repro.data.download.registry import registry
from kingdra_repro.data.features.image_features import ImageFeatures
from kingdra_repro.data.formats.labels import encode_labels
from kingdra_repro.data.sources.new_points import read_new_points

from .conftest import FileServer
from .small_files import remote, tar_bytes

NEWS = "20news/20news-bydate.tar.gz"


@pytest.mark.parametrize(
    ("labels", "names"),
    [(["b", "a", "b"], ["a", "b"]), ([10, 9, 10], ["9", "10"]), ([2.0, 1.0], ["1", "2"]), ([True], ["True"])],
)
def test_names_are_in_the_order_of_the_classes(labels: list, names: list[str]) -> None:
    codes, found = encode_labels(labels, "")
    assert found == names
    assert [names[code] for code in codes] == [
        names[0] if one == min(labels) else names[-1] for one in labels
    ]


def test_words_and_groups_of_newsgroups(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = {"z.space/1": b"rocket moon rocket", "a.faith/2": b"belief", "z.space/3": b"moon"}
    content = tar_bytes({f"20news-bydate-train/{name}": text for name, text in messages.items()})
    monkeypatch.setitem(registry(), NEWS, remote(NEWS, content, server.gives(NEWS, content)))
    for data in (load_newsgroups(n_clusters=2), load_newsgroups(n_clusters=2)):  # prepared, then read
        assert data.class_names == ["a.faith", "z.space"]
        assert data.y.tolist() == [0, 1, 1]
        assert [data.feature_names[column] for column in data.X.argmax(1).ravel().tolist()[0]] == [
            "belief", "rocket", "moon"
        ]  # fmt: skip


def test_table(tmp_path: Path) -> None:
    pd.DataFrame({"kind": ["x", "y"], "age": [1, 2], "size": [3, 5]}).to_csv(tmp_path / "t.csv", index=False)
    data = load_custom(tmp_path / "t.csv", labels="kind", n_clusters=2)
    assert data.feature_names == ["age", "size"]
    assert data.class_names == ["x", "y"]
    assert load_custom(tmp_path / "t.csv", columns=["age", "size"], n_clusters=2).class_names is None


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"b/2.txt": "rocket", "a/1.txt": "belief"}.items():
        (tmp_path / "texts" / name).parent.mkdir(parents=True)
        (tmp_path / "texts" / name).write_text(text)
    texts = load_custom(tmp_path / "texts")
    assert (texts.row_names, texts.class_names) == (["a/1.txt", "b/2.txt"], ["a", "b"])
    assert texts.feature_names == ["belief", "rocket"]

    (tmp_path / "pets").mkdir()
    for shade in (0, 200):
        Image.fromarray(np.full((9, 12, 3), shade, np.uint8)).save(tmp_path / "pets" / f"{shade}.png")
    features = ImageFeatures(np.eye(2, dtype=np.float32), None, extracted=True)
    monkeypatch.setattr(
        "kingdra_repro.data.features.picture_vectorizer.image_features", lambda *_, **__: features
    )
    pets = load_custom(tmp_path / "pets", n_clusters=2)
    assert pets.row_names == ["0.png", "200.png"]
    assert pets.pictures.batch(1, 2, 4).mean().item() == pytest.approx(200 / 255, abs=1e-3)


def numbered_table(**columns: list[str]) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=12), "b": rng.normal(size=12), **columns})


@pytest.mark.parametrize(
    "ids",
    [
        [f"{i:05d}" for i in range(12)],
        [f"{i / 10:.2f}" for i in range(12)],
        ["", *(str(i) for i in range(11))],
        [f"123456789012345678901234{i:02d}" for i in range(12)],
        ["X0", *(f"{i:05d}" for i in range(11))],
    ],
)
def test_rows_are_called_as_the_file_has_it(tmp_path: Path, ids: list[str]) -> None:
    numbered_table(id=ids, spaced=[f" {one} " for one in ids]).to_csv(tmp_path / "t.csv", index=False)
    for name, other in (("id", "spaced"), ("spaced", "id")):
        data = load_custom(tmp_path / "t.csv", id=name, drop=other, n_clusters=2)
        assert data.row_names == ids
        assert data.table[name].fillna("").tolist() == ids
        assert read_new_points(data.preprocessing, tmp_path / "t.csv", 2).names == ids


def test_classes_are_called_as_the_file_has_it_and_lie_in_the_order_of_numbers(tmp_path: Path) -> None:
    names = ["010", "001", "002"] * 4
    numbered_table(kind=names, told=[*names[:6], *[""] * 6]).to_csv(tmp_path / "t.csv", index=False)
    pd.DataFrame({"kind": names}).to_csv(tmp_path / "y.csv", index=False)
    for labels, drop in (("kind", "told"), (tmp_path / "y.csv", ["kind", "told"])):
        data = load_custom(tmp_path / "t.csv", labels=labels, drop=drop)
        assert data.class_names == ["001", "002", "010"]
        assert data.y.tolist() == [2, 0, 1] * 4
    data = load_custom(tmp_path / "t.csv", given="told", drop="kind")
    assert data.class_names == ["001", "002", "010"]
    assert data.given.tolist() == [2, 0, 1] * 2 + [-1] * 6
    numbers = ["10.0", "1.0", "2.0"] * 2 + [""] * 6  # how pandas writes integers next to missing ones
    numbered_table(told=numbers).to_csv(tmp_path / "t.csv", index=False)
    assert load_custom(tmp_path / "t.csv", given="told").class_names == ["1", "2", "10"]


def test_rows_and_classes_of_a_binary_file_are_what_they_were(tmp_path: Path) -> None:
    table = numbered_table(id=[f"{i:02d}" for i in range(12)], kind=["10", "9", "8"] * 4)
    table.to_parquet(tmp_path / "t.parquet")
    data = load_custom(tmp_path / "t.parquet", labels="kind", id="id")
    assert data.row_names == table["id"].tolist()
    assert data.class_names == ["10", "8", "9"]
    table["kind"] = table["kind"].astype(float)
    table.to_parquet(tmp_path / "t.parquet")
    assert load_custom(tmp_path / "t.parquet", labels="kind", id="id").class_names == ["8", "9", "10"]
