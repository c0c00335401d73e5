"""The jobs of a sweep and their outcomes, in whichever process a launcher of Hydra runs them."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from kingdra_repro.files import write_text

NOT_ENDED = "it was killed, or is not done yet"


@dataclass(frozen=True)
class Job:
    """A run of a sweep.

    Attributes
    ----------
    overrides : its overrides, sorted, without ``n_clusters``
    name : its number and the overrides that distinguish it from other jobs, e.g. ``#1 seed=3``
    failed : a line that says why it failed; None if it did not
    traceback : the traceback, if it failed because of a bug
    """

    folder: Path
    overrides: tuple[str, ...]
    name: str = ""
    failed: str | None = None
    traceback: str | None = None


class SweepJobs(Callback):
    """A Hydra callback (see configs/config.yaml) that writes a file with the outcome of each job of a sweep.

    The other processes of a launcher get a copy of this process's callback. The files are below the output
    folder, which all processes can access. A job returns None, or a mapping with ``failed`` and, for a bug,
    ``traceback``.
    """

    of_this_process: ClassVar["SweepJobs | None"] = None

    def __init__(self) -> None:
        self.launcher, self.origin_process = "", _this_process()
        self.output_dir = self.folder = Path()

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        self.launcher = str(config.hydra.runtime.choices["hydra/launcher"])
        self.output_dir = Path(config.output_dir)
        self.folder = self.output_dir.absolute() / "sweeps" / f".jobs-{uuid4().hex[:8]}"
        SweepJobs.of_this_process = self

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        if self.launcher:  # otherwise it is not a sweep
            SweepJobs.of_this_process = self
            self._write(config, {"failed": NOT_ENDED})

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:
        if self.launcher:
            job = self._write(config, job_return.return_value or {})
            if self.is_worker_process():
                print(f"{job.name}: {'FAILED' if job.failed else 'done'}", file=sys.stderr, flush=True)

    def is_worker_process(self) -> bool:
        """Return whether this is a process of the launcher, not the one in which the sweep was started."""
        return self.origin_process != _this_process()

    def take(self) -> list[Job]:
        """Return the jobs that were started, in order, and remove their files."""
        paths = sorted(self.folder.glob("*.json"), key=lambda path: int(path.stem)) if self.launcher else []
        told = [json.loads(path.read_text()) for path in paths]
        if paths:
            shutil.rmtree(self.folder)
        return [
            Job(**{**one, "folder": Path(one["folder"]), "overrides": tuple(one["overrides"])})
            for one in told
        ]

    def _write(self, config: DictConfig, ended: Mapping[str, str]) -> Job:
        about = config.hydra
        given = tuple(sorted(one for one in about.overrides.task if not one.startswith("n_clusters=")))
        name = f"#{about.job.num} {about.job.override_dirname}"
        job = Job(Path(about.runtime.output_dir), given, name, **ended)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.folder / f"{about.job.num}.json", json.dumps(asdict(job), default=str))
        return job


def _this_process() -> str:
    return f"{socket.gethostname()} {os.getpid()}"
