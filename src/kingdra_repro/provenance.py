"""Which code and which machine made a result."""

import importlib
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from kingdra_repro.devices import choose_device, choose_devices
from kingdra_repro.errors import InputError
from kingdra_repro.files import write_text


def commit() -> str | None:
    """Return the git commit of the source tree this package runs from.

    It ends in ``-dirty`` where code or configs differ from it. Where the package does not run from a git
    repository of its own (an installed wheel, a copy of the tree) or git is missing, it is what the
    environment variable KINGDRA_COMMIT says, which is checked; None where that is not set.
    """
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(here), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        # A wheel may lie in a .venv inside another repository: only a tracked file makes it this one's.
        git("ls-files", "--error-unmatch", Path(__file__).name)
        # Results, and the pages made of them, change while runs are made: they are not part of the code.
        root = here.parents[1]
        code = (here, root / "configs", root / "pyproject.toml")
        changed = git("status", "--porcelain", "--", *map(str, code))  # also files that git does not know
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
    """Return the commits that have worked on a run, in order, joined by "+"; None where none is known.

    To be asked before the work begins: files may be edited, and commits made, while it goes on. A file, the
    record, keeps them meanwhile, one a line; the present one is added to it.
    """
    known = record.read_text(encoding="utf-8").split() if record.exists() else []
    now = commit() or "unknown"
    if known[-1:] != [now]:
        known.append(now)
        write_text(record, "\n".join(known) + "\n")
    return None if set(known) == {"unknown"} else "+".join(known)


def code_version(commit: str | None) -> str:
    """Shorten commits to seven digits each, with ``-dirty`` where files differed."""
    if commit is None:
        return "unknown"
    return "+".join(one[:7] + ("-dirty" if one.endswith("-dirty") else "") for one in commit.split("+"))


def code_since(result: Mapping[str, Any], targets: Iterable[str]) -> str:
    """Say in what the code differs from that of a finished run: "" where it does not, as far as is known.

    `targets` are the classes and functions that it was made of, "module.name"; the files of those that are
    not of this package are looked at, as no commit is known of them.
    """
    finished = datetime.fromisoformat(result["finished"]).timestamp()
    for target in targets:
        module = target.rpartition(".")[0]
        if module.partition(".")[0] == __name__.partition(".")[0]:
            continue
        file = getattr(sys.modules.get(module) or importlib.import_module(module), "__file__", None)
        if file is not None and os.path.getmtime(file) > finished:
            return f"{file} was changed after it"
    now = commit()
    made = (result.get("commit") or "").rpartition("+")[2] or None
    if None in (now, made) or now == made:
        return ""
    return f"its code was {code_version(made)}, this is {code_version(now)}"


def device_name(device: str, n_jobs: int | None = None, n_models: int = 1) -> str:
    """Return the device and its make, e.g. ``cpu (AMD EPYC 7763, 2 threads)`` or ``cuda (4 NVIDIA H100)``.

    Several GPUs may have worked, as `kingdra_repro.devices.choose_devices` has them, on so many models.
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
