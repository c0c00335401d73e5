"""New texts and pictures are turned into features in the same way as those of the run."""

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import kingdra_repro
from kingdra_repro.errors import InputError
from tests.data.conftest import SmallNetwork
from tests.programs.conftest import TINY
from tests.programs.test_predict import called
from tests.programs.test_runs import only

WORDS = ("apple pear fruit juice sweet", "engine car wheel road brake", "music song guitar piano note")


@pytest.fixture
def texts(tmp_path: Path) -> list[str]:
    """Write 60 texts of three kinds to texts/, and to the column "said" of texts.csv."""
    rng = random.Random(0)
    found = [" ".join(rng.choices(WORDS[i % 3].split(), k=20)) for i in range(60)]
    (tmp_path / "texts").mkdir()
    for i, text in enumerate(found):
        (tmp_path / "texts" / f"{i:02}.txt").write_text(text)
    names = [f"text {i}" for i in range(60)]
    pd.DataFrame({"name": names, "said": found, "year": 2000}).to_csv(tmp_path / "texts.csv", index=False)
    return found


@pytest.mark.parametrize("scale", ["auto", "minmax", "standard"])
def test_texts_of_a_folder(kingdra_run, tmp_path, texts, capsys, scale):
    arguments = ("dataset=custom", "dataset.path=texts", "n_clusters=3", f"dataset.scale={scale}", *TINY)
    assert kingdra_run(*arguments).status == 0
    folder = only(tmp_path, "result.json").parent
    assert called(capsys, str(folder), "texts") == (0, "texts.clusters.csv\n")
    said = pd.read_csv(tmp_path / "texts.clusters.csv")
    own = pd.read_csv(folder / "clusters.csv")
    pd.testing.assert_frame_equal(said, own)
    model = kingdra_repro.load(folder)
    np.testing.assert_array_equal(model.predict(texts), said["cluster"])
    np.testing.assert_array_equal(model.predict(pd.Series(texts)), said["cluster"])

    (tmp_path / "texts.clusters.csv").unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path / "texts")
        assert called(capsys, str(folder), ".") == (0, f"{tmp_path / 'texts.clusters.csv'}\n")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "texts.clusters.csv"), own)

    (tmp_path / "new.txt").write_text("a sweet pear, and sweet juice of zebras")
    assert called(capsys, str(folder), "new.txt") == (0, "new.clusters.csv\n")
    assert pd.read_csv(tmp_path / "new.clusters.csv")["id"].tolist() == ["new.txt"]
    with pytest.raises(InputError, match="X must be a list; got a single str"):
        model.predict(texts[0])


def test_a_column_of_texts(kingdra_run, tmp_path, texts, capsys):
    table = ("dataset=custom", "dataset.path=texts.csv", "dataset.text=said", "dataset.id=name")
    assert kingdra_run(*table, "n_clusters=3", *TINY).status == 0
    folder = only(tmp_path, "result.json").parent
    assert called(capsys, str(folder), "texts.csv", "output=again.csv", "keep_columns=true")[0] == 0
    said, own = pd.read_csv(tmp_path / "again.csv"), pd.read_csv(folder / "clusters.csv")
    assert said["id"].tolist() == [f"text {i}" for i in range(60)]
    assert said["said"].tolist() == texts
    pd.testing.assert_frame_equal(said[own.columns], own)
    model = kingdra_repro.load(folder)
    for points in (pd.read_csv(tmp_path / "texts.csv"), texts):
        np.testing.assert_array_equal(model.predict(points), said["cluster"])
    pd.DataFrame({"text": texts}).to_csv(tmp_path / "other.csv", index=False)
    assert called(capsys, str(folder), "other.csv") == (2, "other.csv has no column 'said': it has 'text'")


@pytest.mark.parametrize("scale", ["auto", "standard"])
def test_pictures_of_a_folder(kingdra_run, tmp_path, monkeypatch, capsys, scale):
    monkeypatch.setattr(
        "kingdra_repro.data.features.extraction.load_resnet50", lambda _: SmallNetwork().eval()
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "w.pth").write_bytes(b"weights of a small network")
    rng = np.random.default_rng(0)
    for name in ("pets", "more"):
        (tmp_path / name).mkdir()
        for i in range(12):
            pixels = rng.integers(0, 100 + 50 * (i % 3), (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i:02}.png")
    settings = ("dataset.pictures.weights=w.pth", "dataset.pictures.resize=32", f"dataset.scale={scale}")
    assert kingdra_run("dataset=custom", "dataset.path=pets", "n_clusters=3", *settings, *TINY).status == 0
    folder = only(tmp_path, "result.json").parent
    assert called(capsys, str(folder), "pets") == (0, "pets.clusters.csv\n")
    own = pd.read_csv(folder / "clusters.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "pets.clusters.csv"), own)
    assert called(capsys, str(folder), "more")[0] == 0
    said = pd.read_csv(tmp_path / "more.clusters.csv")
    paths = sorted((tmp_path / "more").iterdir())
    np.testing.assert_array_equal(kingdra_repro.load(folder).predict(paths), said["cluster"])

    (tmp_path / "a.txt").write_text("words")
    assert called(capsys, str(folder), "a.txt") == (
        2,
        "data=a.txt holds texts, and the model was fitted on pictures",
    )
    (tmp_path / "w.pth").write_bytes(b"others")
    status, line = called(capsys, str(folder), "more")
    assert (status, "has other weights than the model was fitted with" in line) == (2, True)
