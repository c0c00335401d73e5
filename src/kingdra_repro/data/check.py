"""Checks that a data set is what it should be: checksums, shape, class counts, values."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from kingdra_repro.data.catalog import KnownDataset
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.download.fetch import find_local
from kingdra_repro.data.download.registry import registry
from kingdra_repro.data.locate import prepared_folders
from kingdra_repro.data.streamed import StreamedMatrix
from kingdra_repro.files import wrong_checksum


@dataclass(frozen=True)
class CheckResult:
    """Result of one check; `message` says what was found and, if it is wrong, what was expected."""

    name: str
    ok: bool
    message: str


def check_dataset(
    data: Dataset,
    known: KnownDataset,
    data_dir: str | os.PathLike | None,
    mirror: str | os.PathLike | None,
    *,
    default_settings: bool = True,
) -> list[CheckResult]:
    """Compare a loaded data set, and its local files, with what is expected.

    ``data_dir`` and ``mirror`` are as for `fetch`. If ``default_settings`` is False, the shape and the rows
    of each class are reported, but not compared; the number of classes still is.
    """
    results = [_checksums(known, data_dir, mirror)]
    n, d = data.X.shape
    ok = (n, d) == (known.n, known.d) or not default_settings
    results.append(_result("shape", ok, f"{n} x {d}", f"{known.n} x {known.d}"))
    if data.y is not None:
        counts = np.bincount(data.y).tolist()
        wanted = known.class_counts if default_settings else None
        ok = len(counts) == known.k if wanted is None else tuple(counts) == wanted
        expected = f"{known.k} classes" if wanted is None else _listed(wanted)
        results.append(_result("classes", ok, _listed(counts), expected))
    assert not isinstance(data.X, StreamedMatrix)  # only a user's own file is streamed
    lowest, highest = float(data.X.min()), float(data.X.max())
    ok = lowest >= 0 and highest > 0 and (known.highest is None or highest <= known.highest + 1e-6)
    bound = "more" if known.highest is None else f"{known.highest:g}"
    results.append(_result("values", ok, f"{lowest:.3g} to {highest:.3g}", f"0 to {bound}"))
    if sp.issparse(data.X):
        lengths = np.sqrt(np.asarray(data.X.multiply(data.X).sum(axis=1)).ravel())
        found = f"{lengths.min():.4f} to {lengths.max():.4f}"
        ok = any(np.allclose(lengths, length, rtol=1e-4) for length in (1, d**0.5))  # one, sqrt_d
        results.append(_result("length of rows", ok, found, f"1 or {d**0.5:.4f}"))
    return results


def _result(name: str, ok: bool, found: str, expected: str) -> CheckResult:
    return CheckResult(name, ok, found if ok else f"{found}; expected {expected}")


def _checksums(
    known: KnownDataset, data_dir: str | os.PathLike | None, mirror: str | os.PathLike | None
) -> CheckResult:
    """Verify the checksums of all local files of the data set, both published and prepared files."""
    faults: dict[Path, str | None] = {}
    for name, file in registry().items():
        place = find_local(name, data_dir, mirror) if name.split("/")[0] == known.folder else None
        if place is not None and place.name == name.split("/")[-1]:  # otherwise not local, or compressed
            faults[place] = wrong_checksum(place, file.checksums)
    for folder in prepared_folders(known, data_dir):
        for name, expected in json.loads((folder / "about.json").read_text())["sha256"].items():
            place = folder / name
            faults[place] = wrong_checksum(place, [f"sha256:{expected}"]) if place.exists() else "no file"
    wrong = [f"{place}: {fault}" for place, fault in faults.items() if fault]
    return CheckResult("checksums", not wrong, "; ".join(wrong) or f"{len(faults)} of {len(faults)} files")


def _listed(counts: list[int] | tuple[int, ...]) -> str:
    if len(set(counts)) == 1:
        return f"{len(counts)} classes of {counts[0]}"
    return f"{len(counts)} classes: {' '.join(str(count) for count in counts)}"
