from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from kingdra_repro.data import load_newsgroups
from kingdra_repro.data.download.registry import registry
from kingdra_repro.data.sources.newsgroups import read_newsgroups, without_header
from kingdra_repro.errors import InputError

from .conftest import FileServer
from .small_files import remote, tar_bytes

NAME = "20news/20news-bydate.tar.gz"
MESSAGES = {
    "20news-bydate-test/sci.space/10": b"From: nasa\n\nrocket moon orbit",
    "20news-bydate-train/sci.space/9": b"From: nasa\n\nrocket orbit caf\xe9",
    "20news-bydate-train/sci.space/11": b"From: esa\r\n\r\nmoon rocket",
    "20news-bydate-train/alt.atheism/5": b"From: smith\n\nbelief doubt",
    "20news-bydate-train/alt.atheism/6": b"From: jones\n\n",
    "20news-bydate-train/../../escaped/7": b"hostile",
    "readme": b"not a message",
}


def test_messages_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(tar_bytes(MESSAGES))
    messages, groups = read_newsgroups(tmp_path / "a")
    assert groups == ["alt.atheism", "alt.atheism", "sci.space", "sci.space", "sci.space"]
    assert [message.split()[1] for message in messages] == ["smith", "jones", "nasa", "esa", "nasa"]
    assert "café" in messages[2]


def test_header() -> None:
    assert without_header("From: a\nSubject: b\n\nbody\n\nmore") == "body\n\nmore"
    assert without_header("From: a\r\n\r\nbody") == "body"
    assert without_header("no empty line") == ""


@pytest.fixture
def small_newsgroups(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> FileServer:
    content = tar_bytes(MESSAGES)
    monkeypatch.setitem(registry(), NAME, remote(NAME, content, server.gives(NAME, content)))
    return server


def test_headers_removed_leaves_an_empty_message_out(small_newsgroups: FileServer) -> None:
    data = load_newsgroups(headers="removed", n_clusters=2)
    assert isinstance(data.X, sp.csr_matrix)
    assert data.X.dtype == np.float32
    assert data.X.shape == (4, 6)
    assert data.y.tolist() == [0, 1, 1, 1]


def test_headers_kept(small_newsgroups: FileServer) -> None:
    data = load_newsgroups(n_clusters=2, n_words=3)
    assert data.X.shape[1] == 3
    assert load_newsgroups(n_clusters=2).X.shape[0] == 5


def test_prepared_once(small_newsgroups: FileServer, own_data_folder: Path) -> None:
    first = load_newsgroups(n_clusters=2)
    (own_data_folder / NAME).unlink()
    small_newsgroups.answers.clear()
    again = load_newsgroups(n_clusters=2)
    assert (first.X != again.X).nnz == 0


def test_user_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"dataset.headers must be one of kept, removed; got 'gone'"):
        load_newsgroups(headers="gone")
    (tmp_path / "a").write_bytes(tar_bytes({"x": b"y"}))
    with pytest.raises(InputError, match="no files 20news-bydate-train/GROUP/NUMBER"):
        read_newsgroups(tmp_path / "a")


def test_real_files(real_data: Path) -> None:
    data = load_newsgroups(mirror=real_data)
    assert data.X.shape == (18846, 2000)
    assert data.n_clusters == 20
