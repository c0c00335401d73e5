"""The code version and the hardware that produced a result."""

import importlib
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from kingdra_repro.devices import choose_device, choose_devices
from kingdra_repro.errors import InputError
from kingdra_repro.files import write_text


def commit() -> str | None:
    """Return the git commit of the source tree that this package runs from.

    It ends in ``-dirty`` if code or configs differ from the commit. If the package does not run from its own
    git repository (an installed wheel, a copy of the tree) or git is missing, return the value of the
    environment variable KINGDRA_COMMIT after checking its form, or None if it is not set.
    """
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(here), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        # A wheel may be installed in a .venv inside another repository; there, this file is not tracked.
        git("ls-files", "--error-unmatch", Path(__file__).name)
        # Results, and the pages made from them, change during runs and are not part of the code.
        root = here.parents[1]
        code = (here, root / "configs", root / "pyproject.toml")
        changed = git("status", "--porcelain", "--", *map(str, code))  # includes untracked files
        dirty = "-dirty" if changed else ""
        return git("rev-parse", "HEAD") + dirty
    except (OSError, subprocess.SubprocessError):
        pass
    given = os.environ.get("KINGDRA_COMMIT")
    if given and not re.fullmatch(r"[0-9a-f]{40}(-dirty)?", given):
        raise InputError(
            f"KINGDRA_COMMIT must be a commit; got {given!r}: give what `git rev-parse HEAD` prints"
        )
    return given or None


def commits(record: Path) -> str | None:
    """Return the commits that have worked on a run, in order, joined by "+"; None if none is known.

    Call this before a run starts or resumes, because files may be edited and commits made while it runs. The
    file `record` holds the commits, one per line; the current one is appended unless it is already the last.
    """
    known = record.read_text(encoding="utf-8").split() if record.exists() else []
    now = commit() or "unknown"
    if known[-1:] != [now]:
        known.append(now)
        write_text(record, "\n".join(known) + "\n")
    return None if set(known) == {"unknown"} else "+".join(known)


def code_version(commit: str | None) -> str:
    """Shorten each commit to seven digits, keeping ``-dirty``."""
    if commit is None:
        return "unknown"
    return "+".join(one[:7] + ("-dirty" if one.endswith("-dirty") else "") for one in commit.split("+"))


def code_since(result: Mapping[str, Any], targets: Iterable[str]) -> str:
    """Describe how the current code differs from that of a finished run; "" if no difference is known.

    `targets` are the classes, functions and methods that the run used, as "module.name". No commit is known
    for those outside this package, so the modification times of their files are compared with the end of the
    run.
    """
    finished = datetime.fromisoformat(result["finished"]).timestamp()
    for target in targets:
        module = target.rpartition(".")[0]
        if module.partition(".")[0] == __name__.partition(".")[0]:
            continue
        file = getattr(_module(module), "__file__", None)
        if file is not None and os.path.getmtime(file) > finished:
            return f"{file} was changed after it"
    now = commit()
    made = (result.get("commit") or "").rpartition("+")[2] or None
    if None in (now, made) or now == made:
        return ""
    return f"its code was {code_version(made)}, this is {code_version(now)}"


def _module(name: str) -> ModuleType:
    """Import a module; for the name of a class, whose method is a target, the module of the class."""
    try:
        return sys.modules.get(name) or importlib.import_module(name)
    except ModuleNotFoundError:
        if "." not in name:
            raise
        return _module(name.rpartition(".")[0])


def device_name(device: str, n_jobs: int | None = None, n_models: int = 1) -> str:
    """Return the device and its hardware: ``cpu (AMD EPYC 7763, 2 threads)`` or ``cuda (4 NVIDIA H100)``.

    The GPUs counted are those of `kingdra_repro.devices.choose_devices`, at most one per model.
    """
    chosen = choose_device(device)
    if chosen.type == "cuda":
        used = len(choose_devices(device, n_jobs)[:n_models])
        return f"cuda ({'' if used == 1 else f'{used} '}{torch.cuda.get_device_name(chosen)})"
    return f"{chosen} ({_processor()}, {torch.get_num_threads()} threads)"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
