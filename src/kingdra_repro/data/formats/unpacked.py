"""Unpack a .gz, .zst or .zip file into memory, with a check that it fits."""

import gzip
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from kingdra_repro.data.formats.memory import available_bytes, check_fits
from kingdra_repro.errors import InputError, first_line

PACKED = (".gz", ".zst", ".zip")
AT_ONCE = 1 << 20


def unpacked_name(path: Path) -> str:
    """Return the file name without the suffix of its packing: ``trees.csv`` for ``trees.csv.gz``."""
    return path.stem if path.suffix.lower() in PACKED else path.name


def unpack(path: Path) -> tuple[str, Path | BytesIO]:
    """Return the name and content of a file after unpacking.

    Parameters
    ----------
    path : Path
        A .zip must contain one file, whose name is returned.

    Returns
    -------
    name : str
    content : BytesIO, or the path itself if the file is not packed

    Raises
    ------
    InputError
        If the file is broken, a .zip does not contain exactly one file, or the content takes more than half
        of the available memory.
    """
    kind = path.suffix.lower()
    if kind not in PACKED:
        return path.name, path
    try:
        if kind == ".zip":
            return _the_file_of_zip(path)
        if kind == ".gz":
            with gzip.open(path) as file:
                return path.stem, _read(file, path)
        import pyarrow

        with pyarrow.input_stream(path, compression="zstd") as file:
            return path.stem, _read(file, path)
    except ImportError as error:
        raise InputError(f"{path} needs pyarrow to unpack: pip install 'kingdra-repro[parquet]'") from error
    except (OSError, EOFError, zlib.error, BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{path} cannot be unpacked ({first_line(error)}): save it again") from error


def _the_file_of_zip(path: Path) -> tuple[str, BytesIO]:
    with ZipFile(path) as archive:
        files = [
            member
            for member in archive.infolist()
            if not member.is_dir() and not member.filename.startswith("__MACOSX/")
        ]
        if len(files) != 1:
            names = ", ".join(member.filename for member in files[:5]) or "none"
            raise InputError(f"{path} holds {len(files)} files ({names}): give a .zip of one table")
        check_fits(path, files[0].file_size)
        with archive.open(files[0]) as file:
            return Path(files[0].filename).name, _read(file, path)


def _read(file: Any, path: Path) -> BytesIO:
    """Read all of a file in pieces, so that endless content is noticed before memory is full."""
    room, content = available_bytes() // 2, BytesIO()  # the other half is for the table parsed from it
    while piece := file.read(AT_ONCE):
        if content.write(piece) and content.tell() > room:
            raise InputError(
                f"{path} unpacks to more than {room / 1e6:,.0f} MB, half of the memory that is available: "
                "give fewer rows, or use a machine with more"
            )
    content.seek(0)
    return content
