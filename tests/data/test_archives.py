import io
import tarfile
from pathlib import Path

import pytest

from kingdra_repro.data.formats.archives import archive_files
from kingdra_repro.errors import InputError

from .small_files import tar_bytes


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2"])
def test_wanted_files(tmp_path: Path, mode: str) -> None:
    (tmp_path / "a").write_bytes(tar_bytes({"x/1": b"one", "x/2": b"two", "y/3": b"three"}, mode))
    found = dict(archive_files(tmp_path / "a", lambda name: name.startswith("x/")))
    assert found == {"x/1": b"one", "x/2": b"two"}


def test_hostile_names_and_links_write_nothing(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    with tarfile.open(inside / "a", "w") as archive:
        for name in ("../escaped", "/tmp/escaped-from-kingdra"):
            member = tarfile.TarInfo(name)
            member.size = 1
            archive.addfile(member, io.BytesIO(b"x"))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    names = [name for name, _ in archive_files(inside / "a", lambda _: True)]
    assert names == ["../escaped", "/tmp/escaped-from-kingdra"]
    assert [path.name for path in tmp_path.rglob("*")] == ["inside", "a"]
    assert not Path("/tmp/escaped-from-kingdra").exists()


BROKEN = {"empty": b"", "not an archive": b"not an archive", "cut": tar_bytes({"x": bytes(5000)})[:-60]}


# Named ids, because the bytes of the truncated archive contain the time and differ between runs.
@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_broken(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match="not a complete archive"):
        list(archive_files(tmp_path / "a", lambda _: True))
