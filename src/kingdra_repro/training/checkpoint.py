"""Checkpoints: named states in a folder, from which a fit resumes after it was killed."""

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

# A file has this line, a line with the SHA-256 of all that follows, a line with a note, and torch's bytes.
FIRST_LINE = b"kingdra checkpoint 1\n"
DIGEST_LINE = 65  # bytes

# The share of a fit's time that saving may take. At the ends of phases it is unlimited on a CPU, where phases
# are long; on a GPU they are so short that saving hundreds of megabytes each time would cost much of the fit.
SHARE_AT_ENDS = {"cpu": 1.0, "cuda": 0.07}
SHARE_WITHIN_PHASES = 0.03
SECONDS_OF_A_SAVE = 0.06  # lower bound: saves small networks every two seconds, not at every epoch


class SaveScheduler:
    """A scheduler of saves that limits them to a share of the time; with a share of 1 a save is always due.

    ``seconds`` is a lower bound of the time that a save is assumed to take, and the estimate for the first.
    """

    def __init__(self, share: float, seconds: float = 0.0) -> None:
        self.share, self.seconds = share, seconds
        self._began, self._took = time.monotonic(), seconds

    def due(self) -> bool:
        """Return whether the last save took at most the allowed share of the time since it began."""
        return time.monotonic() - self._began >= self._took / self.share

    @contextmanager
    def save(self) -> Iterator[None]:
        """Measure the time of the save that runs in this context."""
        self._began = time.monotonic()
        yield
        self._took = max(self.seconds, time.monotonic() - self._began)


class Checkpoint:
    """A folder of named states of one run; each file is complete or absent.

    A name may contain folders. A file begins with a checksum of the rest of it, since torch's reader loads
    most corrupted files without an error, as wrong numbers.

    The folder is created if it does not exist. ``run`` describes in one line what the states depend on
    (settings and data). The states of another run are refused; if that run left none, because it failed
    before it trained anything, this run takes over the folder.

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
        """Write a state of tensors, numbers, strings, lists, tuples and dicts, with a one-line note."""

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
        """List the names of the saved states that begin with ``prefix``."""
        found = self.folder.glob(f"{prefix}*.pt")
        return sorted(path.relative_to(self.folder).as_posix().removesuffix(".pt") for path in found)

    def is_complete(self, name: str) -> bool:
        """Return whether the state exists and matches its checksum."""
        try:
            with open(self._path(name), "rb") as file:
                _skip_checked_header(file)
        except (OSError, ValueError):
            return False
        return True

    def load(self, name: str) -> dict[Any, Any] | None:
        """Load a state onto the CPU; return None if it does not exist.

        Only tensors and plain values are unpickled.

        Raises
        ------
        InputError
            If the file is damaged.
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
        """Rename a state if it exists; a state that already has the new name is replaced."""
        if self._path(name).exists():
            self._path(name).replace(self._path(other))

    def remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.pt"


@contextmanager
def checkpoint_lock(folder: Any) -> Iterator[None]:
    """Lock a checkpoint folder against other fits within the context; ignore a value that cannot be a folder.

    The folder is created if it does not exist, and then removed at the end if it is still empty.

    Raises
    ------
    InputError
        If another fit, of this process or another, uses the folder.
    """
    made = readable = False
    with suppress(OSError, TypeError):  # `Checkpoint` raises, after the parameters were validated
        folder = os.path.expanduser(folder)
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


def read_note(path: Path) -> str:
    """Read the note that was saved with a state, without loading or verifying the state."""
    with open(path, "rb") as file:
        if file.readline(len(FIRST_LINE)) != FIRST_LINE:
            return ""
        file.seek(len(FIRST_LINE) + DIGEST_LINE)
        return file.readline(100_000).decode(errors="replace").strip()


def _skip_checked_header(file: BinaryIO) -> None:
    """Verify the checksum and advance to torch's bytes; raise ValueError if the checksum is wrong."""
    if file.read(len(FIRST_LINE)) != FIRST_LINE or file.read(DIGEST_LINE) != _digest(file):
        raise ValueError("wrong checksum")
    file.seek(len(FIRST_LINE) + DIGEST_LINE)
    file.readline()


def _digest(file: BinaryIO) -> bytes:
    """Compute the checksum line from all bytes that follow it."""
    file.seek(len(FIRST_LINE) + DIGEST_LINE)
    return hashlib.file_digest(file, "sha256").hexdigest().encode() + b"\n"  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    """Convert NumPy scalars to Python numbers, since ``weights_only`` does not load NumPy's."""
    if isinstance(value, dict):
        return {_plain(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        plain = [_plain(one) for one in value]
        return plain if isinstance(value, list) else tuple(plain)
    return value.item() if isinstance(value, np.generic) else value
