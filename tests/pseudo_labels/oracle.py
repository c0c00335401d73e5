"""Known answers of the public code's graph function, read from tests/fixtures/oracle."""

from itertools import pairwise
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent.parent / "fixtures" / "oracle"
CASES = sorted(path.stem for kind in ("sim", "real") for path in FOLDER.glob(f"{kind}_*.npz"))


def load(case):
    with np.load(FOLDER / f"{case}.npz") as arrays:
        return dict(arrays)


def buckets(arrays, kind):
    flat, offsets = arrays[f"{kind}_flat"], arrays[f"{kind}_offsets"]
    return [flat[a:b] for a, b in pairwise(offsets)]
