"""Seconds and peak memory of loading each data set, each in a process of its own.

    python benchmarks/load_data.py [mirror=DIR] [data_dir=DIR] [OVERRIDE ...]

Data sets that are neither ready nor on a mirror's folder are left out (see `kingdra-data list`). "first" is a
load that has to prepare the features, "again" one that finds them ready.

Peak memory is that of the whole process (ru_maxrss); the row "nothing" is what Python and the libraries take.
The pages of a memory map count there, too, as validation reads all of them once; they are the system's to
drop at any time. "own" is what the process holds of its own when the data set is loaded (RssAnon).
"""

import json
import subprocess
import sys

from kingdra_repro.config import all_settings
from kingdra_repro.data.catalog import CATALOG
from kingdra_repro.data.locate import locate

LOAD = """
import json, resource, sys, time
from hydra.utils import instantiate
from kingdra_repro.config import all_settings
start = time.perf_counter()
data = instantiate(all_settings(sys.argv[1:]).dataset) if len(sys.argv) > 1 else None
seconds = time.perf_counter() - start
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "seconds": seconds,
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    "own": int(status["RssAnon"].split()[0]) / 1e3,
    "shape": list(data.X.shape) if data is not None else None,
    "kind": type(data.X).__name__ if data is not None else "",
}))
"""


def measure(overrides: list[str]) -> dict:
    """Load once in a new process."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *overrides], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def main(overrides: list[str]) -> None:
    """Print a row for each data set."""
    settings = all_settings(overrides)
    print("| data set | X | kind | seconds | peak MB | own MB at the end |")
    print("|---|---|---|---|---|---|")
    nothing = measure([])
    print(f"| nothing | | | | {nothing['peak']:.0f} | {nothing['own']:.0f} |", flush=True)
    for known in CATALOG.values():
        found = locate(known, settings.data_dir, settings.mirror)
        if not found.ready and "to be prepared" not in found.place:
            print(f"| {known.name} | not here | | | | |", flush=True)
            continue
        for when in ("again",) if found.ready else ("first", "again"):
            row = measure([f"dataset={known.name}", *overrides])
            n, d = row["shape"]
            numbers = f"{row['seconds']:.2f} | {row['peak']:.0f} | {row['own']:.0f}"
            print(f"| {known.name} ({when}) | {n} x {d} | {row['kind']} | {numbers} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
