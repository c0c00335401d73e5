import os
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from PIL import Image

from kingdra_repro.data import load_custom
from kingdra_repro.data.features.pictures import PictureFiles
from kingdra_repro.data.features.tfidf import TextVectorizer
from kingdra_repro.data.sources.file_folder import files_and_classes
from kingdra_repro.data.sources.new_points import read_new_points
from kingdra_repro.errors import InputError

TEXTS = {"space/a": "rocket orbit", "space/b": "rocket moon", "faith/c": "belief doubt", "faith/d": "doubt"}


@pytest.fixture
def text_folder(tmp_path: Path) -> Path:
    for name, text in TEXTS.items():
        (tmp_path / "texts" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "texts" / name).write_text(text)
    (tmp_path / "texts" / ".hidden").write_text("not a text")
    return tmp_path / "texts"


def test_folder_of_texts_with_subfolders_as_classes(text_folder: Path) -> None:
    data = load_custom(text_folder)
    assert isinstance(data.X, sp.csr_matrix)
    assert data.X.shape == (4, 5)
    assert data.y.tolist() == [0, 0, 1, 1]  # classes sorted by name: faith, space
    assert (data.name, data.n_clusters) == ("texts", 2)


def test_folder_of_texts_without_classes(text_folder: Path) -> None:
    data = load_custom(text_folder / "space", n_clusters=2, words={"n_words": 1})
    assert data.y is None
    assert data.X.shape == (2, 1)


def test_column_of_texts(tmp_path: Path) -> None:
    table = pd.DataFrame({"text": [*TEXTS.values(), None], "year": range(5), "kind": list("ssffs")})
    table.to_csv(tmp_path / "t.csv", index=False)
    data = load_custom(tmp_path / "t.csv", labels="kind", text="text", words={"stop_words": None})
    assert data.X.shape == (5, 5)
    assert data.X[4].nnz == 0
    assert data.y.tolist() == [1, 1, 0, 0, 1]
    with pytest.raises(InputError, match="column 'year' holds numbers, not texts"):
        load_custom(tmp_path / "t.csv", text="year", n_clusters=2)
    with pytest.raises(InputError, match="no column 'txt': it has 'text'"):
        load_custom(tmp_path / "t.csv", text="txt", n_clusters=2)


@pytest.mark.parametrize("cells", ["1984\n2001\n", '""\n""\n', "1984\n\n"])
def test_new_texts_are_texts_even_if_all_are_numbers_or_empty(tmp_path: Path, cells: str) -> None:
    pd.DataFrame({"text": ["1984", "rocket 1984", "moon rocket", "moon 2001", "1984 2001"]}).to_csv(
        tmp_path / "t.csv", index=False
    )
    kept = load_custom(tmp_path / "t.csv", n_clusters=2, text="text").preprocessing
    assert kept is not None
    assert isinstance(kept.vectorizer, TextVectorizer)
    (tmp_path / "new.csv").write_text("text,year\n" + cells.replace("\n", ",1\n"))
    new = read_new_points(kept, tmp_path / "new.csv", len(kept.vectorizer.words)).X
    texts = [line.strip('"') for line in cells.splitlines()]
    assert sp.issparse(new)
    assert (new != kept.features(texts, len(kept.vectorizer.words))).nnz == 0
    assert (new[0].nnz > 0) == texts[0].isdigit()


def test_a_long_text_does_not_make_others_take_more_memory(text_folder: Path) -> None:
    kept = load_custom(text_folder).preprocessing
    texts = ["rocket"] * 999 + ["moon " * 20_000]
    tracemalloc.start()
    X = kept.features(texts, 5)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert X.shape == (1000, 5)
    assert most < 50e6  # as an array of NumPy's str, 400 MB
    with pytest.raises(InputError, match=r"X has shape \(0,\)"):
        kept.features([], 5)


@pytest.fixture
def picture_folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("cats/1.png", "cats/2.jpg", "dogs/3.PNG", "dogs/4.png"):
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(path)
    return tmp_path / "pets"


def test_folder_of_pictures(picture_folder: Path, weights: Path) -> None:
    settings = {"resize": 32, "weights": weights, "batch_size": 3}
    data = load_custom(picture_folder, pictures=settings)
    assert isinstance(data.X, np.memmap)
    assert data.X.shape == (4, 2048)
    assert data.y.tolist() == [0, 0, 1, 1]
    again = load_custom(picture_folder, pictures=settings)
    assert again.X.filename == data.X.filename
    # With one more picture, the features are extracted again.
    (picture_folder / "dogs" / "5.png").write_bytes((picture_folder / "dogs" / "4.png").read_bytes())
    assert load_custom(picture_folder, pictures=settings).X.shape == (5, 2048)


def test_a_picture_that_is_given_twice_has_features_twice(picture_folder: Path, weights: Path) -> None:
    kept = load_custom(picture_folder, pictures={"resize": 32, "weights": weights}).preprocessing
    a, b = picture_folder / "cats" / "1.png", picture_folder / "dogs" / "4.png"
    once = kept.features([a, b], 2048)
    np.testing.assert_allclose(kept.features([a, b, a], 2048), once[[0, 1, 0]], rtol=1e-4, atol=1e-5)


def test_user_errors(text_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no files"):
        load_custom(tmp_path / "empty", n_clusters=2)
    with pytest.raises(InputError, match=r"columns=.* is for tables"):
        load_custom(text_folder, columns=["a"])
    (text_folder / "space" / "e").write_bytes(b"\0\1\2")
    with pytest.raises(InputError, match="neither a text nor a picture"):
        load_custom(text_folder)
    (text_folder / "space" / "e").rename(text_folder / "space" / "e.png")
    with pytest.raises(InputError, match="pictures and other files"):
        load_custom(text_folder)


def test_what_is_refused(text_folder: Path, picture_folder: Path, weights: Path, tmp_path: Path) -> None:
    settings = {"resize": 32, "weights": weights}
    with pytest.raises(InputError, match=r"words.n_words=9 is for texts, not for .*pets"):
        load_custom(picture_folder, n_clusters=2, words={"n_words": 9}, pictures=settings)
    np.save(tmp_path / "x.npy", np.eye(9))
    with pytest.raises(InputError, match=r"pictures.resize=64 is for a folder of pictures, not for .*x.npy"):
        load_custom(tmp_path / "x.npy", n_clusters=2, pictures={"resize": 64})
    with pytest.raises(InputError, match=r"dataset.pictures.resize must be an integer of at least 32; got 3"):
        load_custom(picture_folder, n_clusters=2, pictures={"resize": 3})
    with pytest.raises(InputError, match="n_clusters must be at most n_samples=4; got 5"):
        load_custom(picture_folder, n_clusters=5, pictures={"weights": "nowhere.pth"})
    (text_folder / "space" / "part-0.parquet").write_bytes(b"\0")
    with pytest.raises(InputError, match=r"texts holds Parquet and other files \(c\): take these elsewhere"):
        load_custom(text_folder)
    (text_folder / "space" / "part-0.parquet").unlink()
    os.mkfifo(text_folder / "space" / "pipe")
    with pytest.raises(InputError, match="pipe is a pipe or the like, not a file: remove it"):
        load_custom(text_folder)


def test_pictures_of_32_bits_are_not_clipped(tmp_path: Path) -> None:
    grey = np.arange(64, dtype=np.int32).reshape(8, 8) * 1000
    Image.fromarray(grey, mode="I").save(tmp_path / "fits.tif")
    assert np.unique(PictureFiles([tmp_path / "fits.tif"]).batch(0, 1, 8)).size == 64
    Image.fromarray(grey * 2, mode="I").save(tmp_path / "more.tif")
    with pytest.raises(InputError, match=r"more.tif has whole values of 0 to 126000: scale them to 0-255"):
        PictureFiles([tmp_path / "more.tif"]).batch(0, 1, 8)


def test_a_file_beside_the_folders_of_classes_is_told(
    text_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (text_folder / "README").write_text("belief in rockets")
    assert load_custom(text_folder, n_clusters=2).y is None
    assert "texts has 'README' beside its subfolders" in caplog.text
    caplog.clear()
    (text_folder / "more").write_text("belief in doubt")  # two of six files: not a few
    load_custom(text_folder, n_clusters=2)
    assert "subfolders" not in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="file systems elsewhere have no such names")
def test_a_name_that_results_could_not_hold_is_reported_before_the_work(text_folder: Path) -> None:
    (text_folder / "space" / os.fsdecode(b"caf\xe9")).write_text("moon")
    with pytest.raises(InputError, match=r"caf\\xe9' is not UTF-8: rename the file"):
        load_custom(text_folder)


def test_a_folder_that_is_a_link_is_one_like_the_others(tmp_path: Path) -> None:
    for name in ("texts/a", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "1.txt").write_text("ash ash elm")
    (tmp_path / "texts" / "b").symlink_to(tmp_path / "elsewhere")
    files, classes = files_and_classes(tmp_path / "texts")
    assert (len(files), classes) == (2, ["a", "b"])
    (tmp_path / "texts" / "b" / "round").symlink_to(tmp_path / "texts")
    with pytest.raises(InputError, match="is a link to a folder that it lies in"):
        files_and_classes(tmp_path / "texts")


def test_new_texts_in_python_may_be_missing_as_in_a_file(tmp_path: Path) -> None:
    texts = ["oak leaf", "ash bark", "elm leaf", None] * 3
    pd.DataFrame({"text": texts}).to_csv(tmp_path / "t.csv")
    data = load_custom(tmp_path / "t.csv", n_clusters=2, text="text")
    assert data.preprocessing is not None
    for new in (texts, pd.Series(texts), pd.DataFrame({"text": texts})):
        found = data.preprocessing.features(new, data.X.shape[1])
        np.testing.assert_array_equal(found.toarray(), data.X.toarray())
    with pytest.raises(InputError, match=r"X has 3.5 among its texts: give str"):
        data.preprocessing.features(["oak", 3.5], data.X.shape[1])
