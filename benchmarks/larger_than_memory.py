"""Time and memory of a whole run on a file: ``larger_than_memory.py [n ...] [parquet | npz] [SETTING ...]``.

Default: n = 100,000 and 1,000,000 rows of 128 float32 columns. The .npy or .parquet file is written in blocks
below TMPDIR and removed afterwards. ``npz`` is a sparse matrix with 60 of 2,000 columns in each row. Three
models with hidden layers of 64 and 64 train for one epoch in batches of 256 rows, followed by mini-clusters,
clusters.csv and the page's files: all that kingdra-run does. The file is streamed. Words with "=" are
settings of kingdra-run, such as ``dataset.stream=false``.

Reported are wall-clock seconds, and per row in microseconds: wall clock, CPU time, and the phase (training,
outputs and mini-clusters). Read the CPU time if other programs use the machine. Memory is the sum over all
processes, sampled ten times a second: "peak" is their proportional set size, which includes resident pages of
mapped files; "own" is the part that no file backs.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp

D, K, BLOCK = 128, 10, 50_000
N_WORDS, WORDS = 2000, 60  # in total, and per row
SETTINGS = (
    "training.iterations=0",
    "training.first_epochs=1",
    "training.batch_size=256",
    "base.hidden=[64,64]",
    "ensemble.size=3",
    "n_jobs=1",
    "dataset.stream=true",
    f"n_clusters={K}",
)


def blocks(n: int):
    """Yield points around k centres in blocks: float32 [at most 50,000, d]."""
    centres = np.random.default_rng(0).normal(size=(K, D))
    for start in range(0, n, BLOCK):
        random = np.random.default_rng([1, start])
        m = min(BLOCK, n - start)
        points = centres[random.integers(K, size=m)] + random.normal(size=(m, D))
        yield (points / 2).astype(np.float32)


def words(n: int) -> sp.csr_matrix:
    """Make rows with 30 random columns and 30 of the 200 columns of their topic."""
    random = np.random.default_rng(0)
    topic = random.integers(K, size=(n, 1), dtype=np.int32)
    columns = random.integers(N_WORDS, size=(n, WORDS), dtype=np.int32)
    columns[:, WORDS // 2 :] = columns[:, WORDS // 2 :] % (N_WORDS // K) + topic * (N_WORDS // K)
    ends = np.arange(0, n * WORDS + 1, WORDS, dtype=np.int64)
    return sp.csr_matrix((np.ones(n * WORDS, np.float32), columns.ravel(), ends), shape=(n, N_WORDS))


def make(path: Path, n: int) -> None:
    """Write n points to a .npy, .npz or .parquet file."""
    if path.suffix == ".npz":
        sp.save_npz(path, words(n), compressed=False)
        return
    if path.suffix == ".npy":
        file = np.lib.format.open_memmap(path, "w+", np.float32, (n, D))
        for i, block in enumerate(blocks(n)):
            file[i * BLOCK : i * BLOCK + len(block)] = block
        file.flush()
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [f"x{i}" for i in range(D)]
    with pq.ParquetWriter(path, pa.schema([(name, pa.float32()) for name in names])) as writer:
        for block in blocks(n):
            writer.write_table(pa.table(list(block.T.copy()), names=names))


def memory(group: int) -> tuple[float, float]:
    """Return (proportional set size, anonymous part of it) of all processes of a process group, in GB."""
    total = own = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int((folder / "stat").read_text().rpartition(")")[2].split()[2]) != group:
                continue
            lines = (folder / "smaps_rollup").read_text().splitlines()[1:]
        except (OSError, IndexError):
            continue
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        total += sizes["Pss"]
        own += sizes.get("Pss_Anon", sizes["Anonymous"])
    return total / 1e6, own / 1e6


def measure(path: Path, n: int, more: list[str], folder: Path) -> str:
    given = {setting.split("=")[0] for setting in more}
    command = [
        sys.executable,
        "-m",
        "kingdra_repro",
        "dataset=custom",
        f"dataset.path={path}",
        *(setting for setting in SETTINGS if setting.split("=")[0] not in given),
        *more,
    ]
    start, busy = time.perf_counter(), cpu_seconds()
    process = subprocess.Popen(
        [*command, f"output_dir={folder / 'out'}", f"data_dir={folder / 'data'}"],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    peak = own = 0.0
    while process.poll() is None:
        now = memory(process.pid)
        peak, own = max(peak, now[0]), max(own, now[1])
        time.sleep(0.1)
    seconds, busy = time.perf_counter() - start, cpu_seconds() - busy
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    run = next((folder / "out").rglob("result.json")).parent
    history = (run / "history.csv").read_text().splitlines()
    phase = float(dict(zip(history[0].split(","), history[1].split(","), strict=True))["seconds"])
    found = json.loads((run / "result.json").read_text())["clusters_found"]
    each = " ".join(f"{value / n * 1e6:>8.1f}" for value in (seconds, busy, phase))
    return f"{n:>11,} {seconds:>8.1f} {each} {peak:>7.2f} {own:>7.2f} {found:>4}"


def cpu_seconds() -> float:
    """Return the CPU seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(given: list[str]) -> None:
    sizes = [int(word) for word in given if word.isdecimal()] or [100_000, 1_000_000]
    ending = next((ending for ending in ("parquet", "npz") if ending in given), "npy")
    more = [word for word in given if "=" in word]
    print("          n  seconds  us/row      cpu  of phase  peak GB  own GB  clusters", flush=True)
    for n in sizes:
        with tempfile.TemporaryDirectory() as place:
            make(path := Path(place) / f"points.{ending}", n)
            print(measure(path, n, more, Path(place)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
