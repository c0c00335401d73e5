"""Data sets loaded from the programs' settings, as Hydra composes them."""

from pathlib import Path

import numpy as np
import pytest
from hydra.utils import instantiate

from kingdra_repro.config import all_settings
from kingdra_repro.data.dataset import Dataset


def loaded(overrides: list[str]) -> Dataset:
    return instantiate(all_settings(overrides).dataset)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a table and a folder of texts."""
    monkeypatch.chdir(tmp_path)
    Path("my.csv").write_text("a,b,c,kind\n1,2,3,x\n4,5,7,y\n6,8,9,x\n")
    Path("texts").mkdir()
    for i in range(4):
        Path("texts", f"{i}.txt").write_text(f"the word{i} shared")
    return tmp_path


def test_digits() -> None:
    assert loaded(["dataset=digits", "n_clusters=12"]).n_clusters == 12


def test_table(folder: Path) -> None:
    data = loaded(["dataset=custom", "dataset.path=my.csv", "dataset.labels=kind", "dataset.columns=[a,c]"])
    assert data.X.shape == (3, 2)
    np.testing.assert_allclose(data.X.std(axis=0), 1, rtol=1e-5)
    assert data.n_clusters == 2


def test_folder_of_texts(folder: Path) -> None:
    overrides = ["dataset=custom", "dataset.path=texts", "n_clusters=2"]
    assert loaded(overrides).X.shape == (4, 5)
    assert loaded([*overrides, "dataset.words.stop_words=null"]).X.shape == (4, 6)
    assert loaded([*overrides, "dataset.words.n_words=3"]).X.shape == (4, 3)


def test_features_of_ones_own(folder: Path) -> None:
    np.save("train_X.npy", np.random.default_rng(0).random((6, 3), dtype=np.float32))
    np.save("train_Y.npy", np.arange(6) % 3)
    for name in ("mnist", "cifar10", "stl", "reuters", "newsgroups"):
        assert loaded([f"dataset={name}", "dataset.features=."]).n_clusters == 3
