"""What is too large for this machine is refused by its header, before anything is allocated."""

import os
from pathlib import Path

from kingdra_repro.errors import InputError

MAX_COLUMNS = 100_000  # of a table; a reader needs minutes and gigabytes for names and types alone


def check_fits(path: Path, n_bytes: int, what: str = "it") -> None:
    """Raise InputError where something of a file takes more than the memory that is available."""
    available = available_bytes()
    if n_bytes > available:
        raise InputError(
            f"{path}: {what} needs {_gigabytes(n_bytes)} of memory, and {_gigabytes(available)} are "
            "available: give fewer rows, or use a machine with more"
        )


def check_n_columns(path: Path, n_columns: int) -> None:
    """Raise InputError where a table has more columns than can be read in a sensible time."""
    if n_columns > MAX_COLUMNS:
        raise InputError(
            f"{path} has {n_columns:,} columns, more than a table's {MAX_COLUMNS:,}: save it as an "
            "array (.npy), or as a sparse matrix (scipy.sparse.save_npz)"
        )


def available_bytes() -> int:
    """Memory that a process can still take, of the machine; at most what its container may take in all."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        available = int(dict(line.split(":", 1) for line in lines)["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):  # not Linux
        available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(available, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="utf-8")))
    except (OSError, ValueError):  # no container, or one without a limit
        return available


def _gigabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:,.1f} GB" if n_bytes >= 1e8 else f"{n_bytes / 1e6:,.1f} MB"
