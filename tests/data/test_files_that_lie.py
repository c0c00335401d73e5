"""Small files whose content is large, or claims to be, are refused before it fills the memory."""

import gzip
import io
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp

from kingdra_repro.data import load_custom
from kingdra_repro.data.formats.archives import archive_files
from kingdra_repro.errors import InputError

from .small_files import tar_bytes

MEGABYTE = 1 << 20
AVAILABLE = 64 * MEGABYTE


def header(shape: tuple[int, ...], kind: str = "<f4") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": kind, "fortran_order": False, "shape": shape})
    return file.getvalue()


def zeros_npz(path: Path) -> None:
    np.savez_compressed(path, X=np.zeros((4000, 6000), np.float32))  # 92 MB


def false_header_npz(path: Path) -> None:
    with ZipFile(path, "w") as archive:
        archive.writestr("X.npy", header((10**6, 10**6)) + bytes(100))


def sparse_npz_of_many_rows(path: Path) -> None:
    index = np.arange(3)
    sp.save_npz(path, sp.coo_array((np.ones(3), (index, index)), shape=(1_700_000_000, 3)))


def hollow_npy(path: Path) -> None:
    with path.open("wb") as file:
        file.write(header((10**5, 10**4), "<f8"))
        file.truncate(file.tell() + 8 * 10**9)


def wide_csv(path: Path) -> None:
    path.write_text(",".join(f"c{i}" for i in range(10**6)) + "\n" + ",".join("1" * 10**6) + "\n")


def bomb_gz(path: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    path.write_bytes(packer.compress(b"a,b\n" + b"1,2\n" * (12 * MEGABYTE)) + packer.flush())


def bomb_zip(path: Path) -> None:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", "a,b\n" + "1,2\n" * (17 * MEGABYTE))


def bomb_xlsx(path: Path) -> None:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(80 * MEGABYTE))


def bomb_parquet(path: Path) -> None:
    pq.write_table(pa.table({"x": pa.array(np.zeros(10 * MEGABYTE))}), path)


LIES: dict[str, tuple[Callable[[Path], None], str]] = {
    "zeros.npz": (zeros_npz, "needs .* of memory, and 67.1 MB are available"),
    "header.npz": (false_header_npz, "header says 4000000000000 bytes, which are not there"),
    "rows.npz": (sparse_npz_of_many_rows, "a sparse matrix of 1,700,000,000 x 3 needs 13.6 GB"),
    "hollow.npy": (hollow_npy, "needs 4.0 GB of memory"),
    "wide.csv": (wide_csv, "has 1,000,000 columns"),
    "bomb.csv.gz": (bomb_gz, "unpacks to more than 34 MB, half of the memory"),
    "bomb.zip": (bomb_zip, "needs .* of memory"),
    "bomb.xlsx": (bomb_xlsx, "needs .* of memory"),
    "bomb.parquet": (bomb_parquet, "needs .* of memory"),
}


@pytest.mark.parametrize("name", LIES)
def test_it_is_refused_before_it_is_read(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, reason = LIES[name]
    write(tmp_path / name)
    for module in ("memory", "unpacked"):
        monkeypatch.setattr(f"kingdra_repro.data.formats.{module}.available_bytes", lambda: AVAILABLE)
    tracemalloc.start()
    with pytest.raises(InputError, match=reason):
        load_custom(tmp_path / name, n_clusters=2)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 80 * MEGABYTE


def test_a_packed_table_that_is_cut(tmp_path: Path) -> None:
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 1000)[:-20])
    with pytest.raises(InputError, match="cannot be unpacked"):
        load_custom(tmp_path / "x.csv.gz", n_clusters=2)


def test_a_zip_of_several_files(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.csv", "a\n1\n")
        archive.writestr("b.csv", "a\n1\n")
    with pytest.raises(InputError, match=r"holds 2 files \(a\.csv, b\.csv\)"):
        load_custom(tmp_path / "x.zip", n_clusters=2)


def test_a_large_file_in_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(tar_bytes({"x": bytes(5000)}))
    monkeypatch.setattr("kingdra_repro.data.formats.archives.MAX_MEMBER_BYTES", 4999)
    with pytest.raises(InputError, match="holds x of 5,000 bytes, more than 4,999"):
        list(archive_files(tmp_path / "a", lambda _: True))
