"""Puts what results/ no longer holds of an earlier commit into one archive, and checks it.

    python -m scripts.archive_results COMMIT [FOLDER]

FOLDER/results-COMMIT.zip holds each file of the commit's results/ that is not there as it was, byte for byte;
results-COMMIT.csv says which: name, bytes, sha256. Neither belongs into the repository; a release may
have them.

Checked, with exit status 1 where something differs:

- the archive, read again, has the bytes that the commit has;
- tables made of the archive's runs alone have the cells of the commit's tables, each of them;
- results/ as it is now has the rows of these runs: of runs.csv, of their histories and thresholds.

The commit before runs/ went: git log -1 --format=%h^ --diff-filter=D -- 'results/runs/*/result.json'
"""

import csv
import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from kingdra_repro.files import atomic_write, write_text
from kingdra_repro.report.tables import write_tables
from kingdra_repro.report.tables.cells import COLUMNS
from kingdra_repro.reproduce.plan import matched, plan
from kingdra_repro.reproduce.settings import settings
from kingdra_repro.reproduce.store import merge, read_histories, read_runs, read_thresholds

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "results"
PLACE = ["row", "column", "order"]  # of a cell


def dropped(commit: str) -> dict[str, bytes]:
    """The files below the commit's results/ that are not there now, or are others."""
    command = ["git", "archive", "--format=tar", commit, "results"]
    tar = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(tar)) as files:
        found = {one.name: files.extractfile(one) for one in files.getmembers() if one.isfile()}
        contents = {name: file.read() for name, file in found.items() if file is not None}
    now = {name: (ROOT / name).read_bytes() for name in contents if (ROOT / name).is_file()}
    return {name: content for name, content in sorted(contents.items()) if now.get(name) != content}


def manifest(files: dict[str, bytes]) -> str:
    """A line a file: name, bytes, sha256."""
    lines = [f"{name},{len(one)},{hashlib.sha256(one).hexdigest()}" for name, one in files.items()]
    return "\n".join(["name,bytes,sha256", *lines]) + "\n"


def pack(path: Path, files: dict[str, bytes]) -> None:
    """Write the archive; the same files give the same bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, one in files.items():
            packed.writestr(zipfile.ZipInfo(name), one, zipfile.ZIP_DEFLATED, 9)
    atomic_write(path, lambda file: file.write(content.getbuffer()))


def differences(archive: Path, files: dict[str, bytes]) -> list[str]:
    """What the archive, tables made of it, or results/ as it is now do not have as the commit had it."""
    with TemporaryDirectory() as made:
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(made)
        unpacked = {
            path.relative_to(made).as_posix(): path.read_bytes()
            for path in Path(made).rglob("*")
            if path.is_file()
        }
        wrong = [name for name in files.keys() | unpacked.keys() if files.get(name) != unpacked.get(name)]
        ours = Path(made) / "made"
        found, _ = merge(ours, Path(made) / "results")
        print(f"{found} runs in it")
        planned = plan(list(settings([]).experiments))
        write_tables(ours, planned, matched(planned, read_runs(ours)))
        return [*wrong, *_cells(files, ours), *_rows(ours)]


def _cells(files: dict[str, bytes], ours: Path) -> list[str]:
    """The cells of the commit's tables that are others, or not there, in those made of the archive."""
    wrong, n = [], 0
    for name, content in files.items():
        table = Path(name).stem
        if not name.endswith(".csv") or Path(name).parts[:-1] not in {("results",), ("results", "tables")}:
            continue
        if not set(COLUMNS) <= set(next(csv.reader(io.StringIO(content.decode())))):
            continue
        text = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
        again = ours / "tables" / f"{table}.csv"
        known = pd.read_csv(
            again if again.exists() else io.BytesIO(content), dtype=str, keep_default_na=False
        )
        known = known.set_index(PLACE)[slice(None) if again.exists() else slice(0)]
        for place, cell in text.set_index(PLACE).iterrows():
            n += 1
            if place not in known.index or not (known.loc[[place]] == cell).all(axis=1).any():
                wrong.append(f"{table}: {', '.join(map(str, place))}")
    print(f"{n} cells of tables compared")
    return wrong


def _rows(ours: Path) -> list[str]:
    """The runs whose rows are others in results/ as it is now."""
    wrong = []
    before, now = (read_runs(results).set_index("folder") for results in (ours, RESULTS))
    for folder, run in before.iterrows():
        here = now.loc[[folder]] if folder in now.index else now[:0]
        if len(here) != 1 or not here.iloc[0][run.index].astype(str).equals(run.astype(str)):
            wrong.append(f"runs.csv: {folder}")
    for read in (read_histories, read_thresholds):
        kept = read(RESULTS)
        tables = read(ours)
        wrong += [f"{read.__name__}: {one}" for one in tables if not tables[one].equals(kept.get(one))]
        print(f"{len(tables)} runs compared by {read.__name__}")
    return wrong


def main(commit: str, folder: str = ".") -> int:
    """Make the archive, check it, and print what is in it."""
    files = dropped(commit)
    archive = Path(folder) / f"results-{commit}.zip"
    pack(archive, files)
    listed = manifest(files)
    write_text(archive.with_suffix(".csv"), listed)
    kinds, sizes = Counter(), Counter()
    for name, content in files.items():
        kinds[Path(name).name if "/runs/" in name else name] += 1
        sizes[Path(name).name if "/runs/" in name else name] += len(content)
    for kind, n in sorted(kinds.items()):
        print(f"{kind:<32}{n:>6} files{sizes[kind]:>12,} bytes")
    print(f"{'all':<32}{len(files):>6} files{sum(sizes.values()):>12,} bytes")
    print(f"sha256 of {archive.with_suffix('.csv').name}: {hashlib.sha256(listed.encode()).hexdigest()}")
    print(f"sha256 of {archive.name}: {hashlib.sha256(archive.read_bytes()).hexdigest()}")
    wrong = differences(archive, files)
    print("\n".join([f"differs: {one}" for one in wrong]) or "nothing differs")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) in {2, 3} else __doc__)
