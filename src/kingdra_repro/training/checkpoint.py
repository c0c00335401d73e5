"""What a killed run leaves, and the next one takes up."""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from kingdra_repro.errors import InputError
from kingdra_repro.files import atomic_write, folder_lock

# Then the SHA-256 of what follows, in a line: a note, in a line, and torch's bytes.
FIRST_LINE = b"kingdra checkpoint 1\n"
DIGEST_LINE = 65  # bytes

# The share of a fit's time that saving may take. At the ends of phases on a CPU, where they are long: any; a
# GPU trains so fast that a state of hundreds of megabytes for each phase would be a good part of its time.
SHARE_AT_ENDS = {"cpu": 1.0, "cuda": 0.07}
SHARE_WITHIN_PHASES = 0.03
SECONDS_OF_A_SAVE = 0.06  # at least, so that small networks are saved every two seconds, not at every epoch


class Pace:
    """Says when a save is due, so that saves take at most a share of the time; with 1 it always is.

    ``seconds`` is what a save takes at least; it is expected of the first, too.
    """

    def __init__(self, share: float, seconds: float = 0.0) -> None:
        self.share, self.seconds = share, seconds
        self._began, self._took = time.monotonic(), seconds

    def due(self) -> bool:
        """Whether the last save began so long ago that it took no more than the share of the time since."""
        return time.monotonic() - self._began >= self._took / self.share

    @contextmanager
    def save(self) -> Iterator[None]:
        """Around a save: takes its time."""
        self._began = time.monotonic()
        yield
        self._took = max(self.seconds, time.monotonic() - self._began)


class Checkpoint:
    """A folder of named states, each file whole or absent, all of one run.

    A name may have folders in it. A file begins with a checksum of all the rest of it, since torch's reader
    takes most of what a broken disk makes of a file for other numbers.

    The folder is made if it is not there. ``run`` says what the states depend on (settings and data), in a
    line: states that another run left are not taken up; where it left none, having failed before it trained
    anything, the folder is this run's.

    Raises
    ------
    InputError
        If the folder holds the states of another run, or cannot be written to.
    """

    def __init__(self, folder: Path, run: str) -> None:
        self.folder, self.run = folder, run
        known = self.load("run")
        states = (path for path in folder.rglob("*.pt") if path.stem not in ("run", "seed"))
        if known is not None and known["run"] != run and not any(states):
            (folder / "seed.pt").unlink(missing_ok=True)
            known = None
        if known is None:
            self.save("run", {"run": run})
        elif known["run"] != run:
            raise InputError(
                f"The checkpoint in {folder} belongs to other settings or data: give another checkpoint_dir, "
                "or remove that folder"
            )

    def save(self, name: str, state: dict[Any, Any], note: str = "") -> None:
        """Write a state of tensors, numbers, strings, lists, tuples and dicts, and a line of what it is."""

        def write(file: BinaryIO) -> None:
            file.write(FIRST_LINE + b"\0" * DIGEST_LINE + note.encode() + b"\n")
            torch.save(_plain(state), file)
            digest = _digest(file)
            file.seek(len(FIRST_LINE))
            file.write(digest)

        path = self._path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(path, write)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
            raise InputError(
                f"Cannot write the checkpoint in {self.folder} ({error}): free space there, or give a "
                "folder that can be written to"
            ) from error

    def names(self, prefix: str) -> list[str]:
        """List the names of the saved states that begin so."""
        found = self.folder.glob(f"{prefix}*.pt")
        return sorted(path.relative_to(self.folder).as_posix().removesuffix(".pt") for path in found)

    def is_complete(self, name: str) -> bool:
        """Whether there is such a state, with every byte as it was written, as far as a checksum tells."""
        try:
            with open(self._path(name), "rb") as file:
                _skip_checked_header(file)
        except (OSError, ValueError):
            return False
        return True

    def load(self, name: str) -> dict[Any, Any] | None:
        """Load a state as it was saved (on the CPU), or None where there is none.

        Only tensors and plain values are read.

        Raises
        ------
        InputError
            If the file is not what was written.
        """
        path = self._path(name)
        if not path.exists():
            return None
        try:
            with open(path, "rb") as file:
                _skip_checked_header(file)
                return torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # torch's reader fails in many ways on bytes that it did not write
            raise InputError(
                f"{path} is damaged and cannot be read: remove {self.folder} to start again"
            ) from error

    def rename(self, name: str, other: str) -> None:
        """Give a state another name, if there is one; a state of that name goes."""
        if self._path(name).exists():
            self._path(name).replace(self._path(other))

    def remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.pt"


@contextmanager
def no_other_fit(folder: Any) -> Iterator[None]:
    """No other fit keeps its checkpoint in this folder meanwhile; what cannot be a folder is let through.

    It is made if it is not there, and removed if it stays empty.

    Raises
    ------
    InputError
        If another process, or this one, has a fit there.
    """
    made = readable = False
    with suppress(OSError, TypeError):  # `Checkpoint` says so, once the parameters have been looked at
        made = not os.path.isdir(folder)
        os.makedirs(folder, exist_ok=True)
        readable = os.access(folder, os.R_OK)
    try:
        with folder_lock(folder) if readable else nullcontext(True) as is_free:
            if not is_free:
                raise InputError(
                    f"Another fit keeps its checkpoint in {folder}: wait until it ends, or give each a "
                    "checkpoint_dir of its own"
                )
            yield
    finally:
        if made:
            with suppress(OSError):
                os.rmdir(folder)


def note_of(path: Path) -> str:
    """Read the line that was saved with a state, without the state, and unchecked."""
    with open(path, "rb") as file:
        if file.readline(len(FIRST_LINE)) != FIRST_LINE:
            return ""
        file.seek(len(FIRST_LINE) + DIGEST_LINE)
        return file.readline(100_000).decode(errors="replace").strip()


def _skip_checked_header(file: BinaryIO) -> None:
    """Go to torch's bytes; ValueError where the checksum is not that of what follows it."""
    if file.read(len(FIRST_LINE)) != FIRST_LINE or file.read(DIGEST_LINE) != _digest(file):
        raise ValueError("wrong checksum")
    file.seek(len(FIRST_LINE) + DIGEST_LINE)
    file.readline()


def _digest(file: BinaryIO) -> bytes:
    """Make the line with the checksum of all that comes after it."""
    file.seek(len(FIRST_LINE) + DIGEST_LINE)
    return hashlib.file_digest(file, "sha256").hexdigest().encode() + b"\n"  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    """With Python's numbers for NumPy's, which are not read again with ``weights_only``."""
    if isinstance(value, dict):
        return {_plain(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        plain = [_plain(one) for one in value]
        return plain if isinstance(value, list) else tuple(plain)
    return value.item() if isinstance(value, np.generic) else value
