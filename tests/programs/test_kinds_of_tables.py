"""One command clusters a table of any kind, without any preparation of the file."""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest

RNG = np.random.default_rng(0)
KINDS = np.arange(90) % 3
# Three groups far apart: any method finds them if the columns are read correctly.
TABLE = pd.DataFrame(
    {
        "height": (KINDS * 4 + RNG.normal(0, 0.3, 90)).round(2),
        "girth": (1000 - KINDS * 300 + RNG.normal(0, 20, 90)).round(1),
        "Größe": (KINDS * -0.02 + RNG.normal(0, 0.001, 90)).round(5),
    }
)
LABELLED = TABLE.assign(kind=np.array(["None", "NA", "oak"])[KINDS])
with_gaps = LABELLED.assign(girth=LABELLED["girth"].where(RNG.random(90) > 0.1))
DATED = LABELLED.assign(
    day=pd.date_range("2024-01-01", periods=90).astype(str),
    colour=np.array(["red", "green", "blue"])[KINDS],
    name=[f"tree {i:03}" for i in RNG.permutation(90)],
    same=14.62,
)


def text(table: pd.DataFrame, **how) -> bytes:
    return table.to_csv(index=False, **how).encode(how.get("encoding", "utf-8"))


def of(write: Callable[[io.BytesIO], object]) -> bytes:
    content = io.BytesIO()
    write(content)
    return content.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    return of(lambda file: ZipFile(file, "w").writestr(name, content))


def zst(content: bytes) -> bytes:
    import pyarrow

    return pyarrow.compress(content, codec="zstd", asbytes=True)


FILES: dict[str, tuple[Callable[[], bytes], tuple[str, ...]]] = {
    "t.csv": (lambda: text(LABELLED), ()),
    "german.csv": (lambda: text(LABELLED, sep=";", decimal=",", encoding="cp1252"), ()),
    "t.tsv": (lambda: text(LABELLED, sep="\t"), ()),
    "blanks.txt": (lambda: LABELLED.to_string(index=False).encode(), ()),
    "utf16.csv": (lambda: text(LABELLED, encoding="utf-16"), ()),
    "t.csv.gz": (lambda: gzip.compress(text(LABELLED)), ()),
    "t.csv.zst": (lambda: zst(text(LABELLED)), ()),
    "t.zip": (lambda: zipped("inner.tsv", text(LABELLED, sep="\t")), ()),
    "t.parquet": (lambda: of(LABELLED.to_parquet), ()),
    "t.feather": (lambda: of(LABELLED.to_feather), ()),
    "t.xlsx": (lambda: of(lambda file: LABELLED.to_excel(file, index=False)), ()),
    "t.jsonl": (lambda: LABELLED.to_json(orient="records", lines=True).encode(), ()),
    "nameless.csv": (lambda: text(LABELLED, header=False), ("dataset.labels=3",)),
    "gaps.csv": (lambda: text(with_gaps), ("dataset.missing=median",)),
    "it's a=b, c.csv": (
        lambda: text(DATED),
        ("dataset.categories=onehot", "dataset.dates=parts", "dataset.id=name"),
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_one_command_clusters(kingdra_run, tmp_path: Path, name: str) -> None:
    if name.endswith((".parquet", ".feather", ".zst")):
        pytest.importorskip("pyarrow")
    if name.endswith(".xlsx"):
        pytest.importorskip("openpyxl")
    content, settings = FILES[name]
    (tmp_path / name).write_bytes(content())
    quoted = name.replace("'", r"\'")
    outcome = kingdra_run(
        "dataset=custom", f"dataset.path='{quoted}'", "dataset.labels=kind", "method=kmeans", *settings
    )
    assert outcome.status == 0, outcome.err
    (result,) = tmp_path.glob("outputs/**/result.json")
    assert json.loads(result.read_text())["acc"] == 1
