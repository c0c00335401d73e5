"""A user's file with damaged bytes gives a data set of finite values or raises InputError."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from kingdra_repro.data import load_custom
from kingdra_repro.errors import InputError

X = np.random.default_rng(0).normal(size=(12, 3))
TABLE = pd.DataFrame(X, columns=["height", "girth", "age"]).assign(
    species=pd.Categorical(["oak", "elm", "ash"] * 4)
)
WRITERS: dict[str, Callable[[Path], object]] = {
    "x.npy": lambda path: np.save(path, X),
    "dense.npz": lambda path: np.savez_compressed(path, X=X, y=np.arange(12) % 3),
    "sparse.npz": lambda path: sp.save_npz(path, sp.csr_matrix(X * (X > 0))),
    "x.csv": lambda path: TABLE.to_csv(path, index=False),
    "x.parquet": lambda path: TABLE.to_parquet(path),
}


@pytest.fixture(scope="module", params=WRITERS)
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    path = tmp_path_factory.mktemp("damaged") / request.param
    WRITERS[request.param](path)
    return path, path.read_bytes()


@pytest.mark.filterwarnings("ignore")  # changed bytes may be numbers that overflow
@given(data=st.data())
@settings(max_examples=150)
def test_other_bytes_or_an_end_too_soon(file: tuple[Path, bytes], data: st.DataObject) -> None:
    path, whole = file
    start = data.draw(st.integers(0, len(whole) - 1), label="from")
    other = data.draw(st.none() | st.binary(min_size=1, max_size=12), label="bytes")
    path.write_bytes(whole[:start] + (b"" if other is None else other + whole[start + len(other) :]))
    labels = "species" if path.suffix in (".csv", ".parquet") else None
    # A header may ask for more memory than there is.
    with suppress(InputError, MemoryError):
        found = load_custom(path, labels=labels, n_clusters=3)
        assert np.isfinite(found.X.data if sp.issparse(found.X) else found.X).all()


def test_a_header_that_does_not_end(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    content = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(content.replace(b"'shape': (12, 3)", b"'shape': (12, 3 "))
    with pytest.raises(InputError, match=r"x\.npy is not a readable \.npy file"):
        load_custom(tmp_path / "x.npy", n_clusters=3)


def test_an_archive_of_something_else(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("X", b"no array")
    with pytest.raises(InputError, match=r"x\.npz is not a readable \.npz file"):
        load_custom(tmp_path / "x.npz", n_clusters=3)


def test_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.npy")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        load_custom(tmp_path / "x.npy", n_clusters=3)
