"""Finished runs in a few files, for a machine that little can be fetched from: runs-1.zip, runs-2.zip ..."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from kingdra_repro.errors import InputError
from kingdra_repro.files import atomic_write, file_lock
from kingdra_repro.reproduce.finished import LARGEST_SHOWN, SHOWN
from kingdra_repro.reproduce.strict_reading import LIMITS

FULL = 15 * 2**20  # bytes; the next run goes into the next file
NAMES = "runs-*.zip"
LARGEST = {**LIMITS, **dict.fromkeys(SHOWN, LARGEST_SHOWN)}
PACKED = (
    *("result.json", ".hydra/overrides.yaml", "history.csv", "thresholds.csv"),
    *(*SHOWN, "labels.npy", "votes.npz"),
)


def pack_run(archive: Path, name: str, folder: Path) -> None:
    """Add a run's folder to the files of an archive; nothing where it is in one of them already.

    A file with the run appears in the place of the one without it: who looks sees a whole file. All is packed
    that results/ keeps, and labels and votes where they are small.

    Parameters
    ----------
    archive : a folder; made where it is not there
    name : the run's, as in runs.csv's "folder"
    folder : as kingdra-run left it
    """
    with file_lock(archive / "runs"):  # who else packs would leave this run out
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
    """Look into the files of an archive, which is a folder: no run is made that could not be packed."""
    if archive.exists() and not archive.is_dir():
        raise InputError(f"archive={archive} is no folder: give one")
    for file in _files(archive):
        _names(file)


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """Give a folder, for a while, with the runs of an archive, or of a file of it, if there are any."""
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
                    packed.extractall(made, wanted)  # within the folder, whatever names it has
            except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
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
