"""Seconds and peak memory of loading each data set, each in its own process.

    python benchmarks/load_data.py [mirror=DIR] [data_dir=DIR] [OVERRIDE ...]

Data sets that are neither ready nor in a mirror's folder are listed as "not here" (see `kingdra-data list`).
"first" is a load that has to prepare the features, "again" one that finds them ready.

Peak memory is that of the whole process (ru_maxrss); the row "nothing" shows what Python and the libraries
take. Peak memory includes the pages of a memory map, as validation reads all of them once; the system can
drop them at any time. "own" is the anonymous memory of the process once the data set is loaded (RssAnon).
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
    """Load the data set once in a new process, and return its measurements."""
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
