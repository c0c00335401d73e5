"""Finished runs in a few files, for a machine that little can be fetched from: runs-1.zip, runs-2.zip ..."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from kingdra_repro.errors import InputError
from kingdra_repro.files import write_whole

LARGEST = 15 * 2**20  # bytes; the next run goes into the next file
NAMES = "runs-*.zip"


def pack_run(archive: Path, below: Path, folder: Path) -> None:
    """Add a run's folder to the files of an archive; nothing where it is in one of them already.

    A file with the run appears in the place of the one without it: who looks sees a whole file.

    Parameters
    ----------
    archive : Path
        A folder; made where it is not there.
    below, folder : Path
        The run's folder, and the folder that its name within the file is counted from.
    """
    archive.mkdir(parents=True, exist_ok=True)
    names = {path: path.relative_to(below).as_posix() for path in sorted(folder.iterdir()) if path.is_file()}
    files = _files(archive)
    if any(not set(names.values()).isdisjoint(zipfile.ZipFile(file).namelist()) for file in files):
        return
    size = sum(path.stat().st_size for path in names)
    if not files or files[-1].stat().st_size + size > LARGEST:
        files.append(archive / f"runs-{len(files) + 1}.zip")

    content = io.BytesIO(files[-1].read_bytes() if files[-1].exists() else b"")
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as packed:
        for path, name in names.items():
            packed.write(path, name)
    write_whole(files[-1], lambda file: file.write(content.getbuffer()))


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """A folder with the runs of an archive, for a while; it is empty where there are none.

    Raises
    ------
    InputError
        Where a file is damaged.
    """
    with TemporaryDirectory() as made:
        for file in _files(archive):
            try:
                with zipfile.ZipFile(file) as packed:
                    packed.extractall(made)  # within the folder, whatever names it has
            except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
                raise InputError(f"{file} is not a whole .zip file ({error}): leave it out") from error
        yield Path(made)


def _files(archive: Path) -> list[Path]:
    return sorted(archive.glob(NAMES), key=lambda path: (len(path.name), path.name))
