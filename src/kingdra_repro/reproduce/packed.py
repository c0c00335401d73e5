"""Archives of finished runs in a few files (runs-1.zip, runs-2.zip ...), to fetch from another machine."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from kingdra_repro.errors import InputError
from kingdra_repro.files import atomic_write, file_lock
from kingdra_repro.reproduce.finished import LARGEST_SHOWN, SHOWN
from kingdra_repro.reproduce.strict_reading import LIMITS

FULL = 15 * 2**20  # bytes; a run that would exceed this goes into the next file
NAMES = "runs-*.zip"
LARGEST = {**LIMITS, **dict.fromkeys(SHOWN, LARGEST_SHOWN)}
PACKED = (
    *("result.json", ".hydra/overrides.yaml", "history.csv", "thresholds.csv"),
    *(*SHOWN, "labels.npy", "votes.npz"),
)


def pack_run(archive: Path, name: str, folder: Path) -> None:
    """Add a run's folder to the files of an archive, unless one of them has it already.

    The file is replaced atomically, so readers never see a partial file. The run's files that results/ keeps
    are packed, and its labels and votes if they are small.

    Parameters
    ----------
    archive : folder, created if missing
    name : name of the run, as in the column "folder" of runs.csv
    folder : the run's folder, as kingdra-run left it
    """
    with file_lock(archive / "runs"):  # or a concurrent writer would drop this run
        there = (folder / one for one in PACKED)
        names = {
            path: f"{name}/{path.relative_to(folder).as_posix()}"
            for path in there
            if path.is_file() and (path.name in LIMITS or path.stat().st_size < LARGEST_SHOWN)
        }
        files = _files(archive)
        if any(not set(names.values()).isdisjoint(_names(file)) for file in files):
            return
        size = sum(path.stat().st_size for path in names)
        if not files or files[-1].stat().st_size + size > FULL:
            files.append(archive / f"runs-{len(files) + 1}.zip")

        content = io.BytesIO(files[-1].read_bytes() if files[-1].exists() else b"")
        with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as packed:
            for path, name in names.items():
                packed.write(path, name)
        atomic_write(files[-1], lambda file: file.write(content.getbuffer()))


def check_archive(archive: Path) -> None:
    """Raise InputError if an archive is not a folder or has a damaged file; called before runs are made."""
    if archive.exists() and not archive.is_dir():
        raise InputError(f"archive={archive} is no folder: give one")
    for file in _files(archive):
        _names(file)


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """Yield a temporary folder with the runs, if any, of an archive or of one of its files."""
    with TemporaryDirectory() as made:
        for file in _files(archive):
            try:
                with zipfile.ZipFile(file) as packed:
                    wanted = [one for one in packed.infolist() if Path(one.filename).name in LARGEST]
                    for one in wanted:
                        if one.file_size > LARGEST[Path(one.filename).name]:
                            raise InputError(
                                f"{file}: {one.filename} has {one.file_size:,} bytes: leave the file out"
                            )
                    packed.extractall(made, wanted)  # stays within the folder, whatever the names are
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
                raise InputError(f"{file} is not a complete .zip file ({error}): leave it out") from error
        yield Path(made)


def _names(file: Path) -> list[str]:
    try:
        with zipfile.ZipFile(file) as packed:
            return packed.namelist()
    except zipfile.BadZipFile as error:
        raise InputError(f"{file} is not a complete .zip file: move it away") from error


def _files(archive: Path) -> list[Path]:
    if archive.is_file():
        return [archive]
    return sorted(archive.glob(NAMES), key=lambda path: (len(path.name), path.name))
