"""Reject data that is too large for this machine, based on its header, before allocating memory."""

import os
from pathlib import Path

from kingdra_repro.errors import InputError

MAX_COLUMNS = 100_000  # of a table; with more, a reader needs minutes and gigabytes for names and types alone


def check_fits(path: Path, n_bytes: int, what: str = "it") -> None:
    """Raise InputError if data of a file needs more memory than is available."""
    available = available_bytes()
    if n_bytes > available:
        raise InputError(
            f"{path}: {what} needs {_gigabytes(n_bytes)} of memory, and {_gigabytes(available)} are "
            "available: give fewer rows, or use a machine with more"
        )


def check_n_columns(path: Path, n_columns: int) -> None:
    """Raise InputError if a table has too many columns to be read in a reasonable time."""
    if n_columns > MAX_COLUMNS:
        raise InputError(
            f"{path} has {n_columns:,} columns, more than a table's {MAX_COLUMNS:,}: save it as an "
            "array (.npy), or as a sparse matrix (scipy.sparse.save_npz)"
        )


def available_bytes() -> int:
    """Return the memory available on this machine in bytes, at most the total limit of the container."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        available = int(dict(line.split(":", 1) for line in lines)["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):  # not Linux: use the total memory
        available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(available, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="utf-8")))
    except (OSError, ValueError):  # no container, or a container without a limit
        return available


def _gigabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:,.1f} GB" if n_bytes >= 1e8 else f"{n_bytes / 1e6:,.1f} MB"
