"""Downloads from a local server: complete and verified, or a clear message and no files left behind."""

import lzma
import re
import socket
from pathlib import Path

import pytest

from kingdra_repro.data.download.fetch import fetch
from kingdra_repro.errors import InputError

from .conftest import FileServer
from .small_files import PACKED, gz, remote

CONTENT = bytes(range(256)) * 40
NAME = "set/file-ubyte"


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_plain_download(server: FileServer, own_data_folder: Path) -> None:
    url = server.gives("a/file", CONTENT)
    path = fetch(remote(NAME, CONTENT, url))
    assert path == own_data_folder / NAME
    assert path.read_bytes() == CONTENT
    assert files_below(own_data_folder) == [path]


@pytest.mark.parametrize("ending", PACKED)
def test_packed_download_is_unpacked(server: FileServer, ending: str) -> None:
    url = server.gives(f"a/file{ending}", PACKED[ending](CONTENT))
    assert fetch(remote(NAME, CONTENT, url)).read_bytes() == CONTENT


def test_gz_that_the_server_unpacks_on_the_way(server: FileServer) -> None:
    url = server.gives("a/file.gz", CONTENT)
    assert fetch(remote(NAME, CONTENT, url)).read_bytes() == CONTENT


def test_archive_is_not_unpacked(server: FileServer) -> None:
    packed = gz(CONTENT)
    url = server.gives("a.tar.gz", packed)
    assert fetch(remote("set/a.tar.gz", packed, url)).read_bytes() == packed


def test_second_call_asks_nobody(server: FileServer) -> None:
    file = remote(NAME, CONTENT, server.gives("a", CONTENT))
    fetch(file)
    fetch(file)
    assert server.requested == ["/a"]


def test_next_source_is_tried(server: FileServer) -> None:
    urls = server.gives("a", fault="403"), server.gives("b", CONTENT[:-1] + b"x"), server.gives("c", CONTENT)
    assert fetch(remote(NAME, CONTENT, *urls)).read_bytes() == CONTENT
    assert server.requested == ["/a", "/b", "/c"]


@pytest.mark.parametrize(
    ("content", "fault", "reason"),
    [
        (CONTENT, "403", "HTTP status 403"),
        (CONTENT, "404", "HTTP status 404"),
        (CONTENT, "truncated", "the answer broke off"),
        (CONTENT, "silent", "no answer within 0.2 s"),
        (b"<html>log in first</html>", "none", "sha256 expected [0-9a-f]{64}, found [0-9a-f]{64}"),
        (gz(CONTENT)[:-20], "none", "not a complete .gz file"),
        (lzma.compress(CONTENT)[:-20], "none", "not a complete .xz file"),
        (gz(b"other"), "none", "wrong content"),
    ],
)
def test_faulty_source(
    server: FileServer, own_data_folder: Path, content: bytes, fault: str, reason: str
) -> None:
    url = server.gives("a", content, fault)
    with pytest.raises(InputError, match=reason) as caught:
        fetch(remote(NAME, CONTENT, url), timeout=0.2 if fault == "silent" else 10)
    message = str(caught.value)
    assert "\n" not in message
    assert url in message
    assert f"put it at {own_data_folder / NAME}" in message
    assert files_below(own_data_folder) == []


def test_no_server_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(InputError, match="cannot connect"):
        fetch(remote(NAME, CONTENT, f"http://127.0.0.1:{port}/a"), timeout=0.5)


def test_no_public_address() -> None:
    with pytest.raises(InputError, match="no public address"):
        fetch(remote(NAME, CONTENT))


def test_mirror_folder_is_read_in_place(tmp_path: Path, own_data_folder: Path) -> None:
    plain = tmp_path / "mirror" / NAME
    plain.parent.mkdir(parents=True)
    plain.write_bytes(CONTENT)
    assert fetch(remote(NAME, CONTENT), mirror=tmp_path / "mirror") == plain
    assert not own_data_folder.exists()


@pytest.mark.parametrize("ending", PACKED)
def test_mirror_folder_with_a_packed_file(tmp_path: Path, own_data_folder: Path, ending: str) -> None:
    packed = tmp_path / "mirror" / f"{NAME}{ending}"
    packed.parent.mkdir(parents=True)
    packed.write_bytes(PACKED[ending](CONTENT))
    path = fetch(remote(NAME, CONTENT), mirror=tmp_path / "mirror")
    assert path == own_data_folder / NAME
    assert path.read_bytes() == CONTENT
    assert packed.exists()


@pytest.mark.parametrize("ending", ["", *PACKED])
def test_mirror_url(server: FileServer, ending: str) -> None:
    server.gives(f"m/{NAME}{ending}", PACKED[ending](CONTENT) if ending else CONTENT)
    path = fetch(remote(NAME, CONTENT), mirror=f"{server.url}/m/")
    assert path.read_bytes() == CONTENT


def test_wrong_file_in_mirror_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "mirror" / NAME
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(CONTENT[1:])
    with pytest.raises(InputError, match=f"{re.escape(str(wrong))}: wrong content: sha256 expected"):
        fetch(remote(NAME, CONTENT), mirror=tmp_path / "mirror")


def test_mirror_without_the_file_falls_back_to_the_sources(server: FileServer, tmp_path: Path) -> None:
    url = server.gives("a", CONTENT)
    assert fetch(remote(NAME, CONTENT, url), mirror=tmp_path).read_bytes() == CONTENT


def test_mirror_that_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        fetch(remote(NAME, CONTENT), mirror=tmp_path / "nowhere")


def test_wrong_file_in_data_folder_is_not_replaced(server: FileServer, own_data_folder: Path) -> None:
    mine = own_data_folder / NAME
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(InputError, match=r"wrong content.*remove it"):
        fetch(remote(NAME, CONTENT, server.gives("a", CONTENT)))
    assert mine.read_bytes() == b"mine"


def test_data_folder_that_cannot_be_made(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("a file")
    with pytest.raises(InputError, match="Cannot write to the data folder"):
        fetch(remote(NAME, CONTENT, server.gives("a", CONTENT)), data_dir=tmp_path / "occupied")
