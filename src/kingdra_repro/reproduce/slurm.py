"""Runs as jobs of Slurm, or as local jobs that are made in the same way: through submitit.

submitit pickles what it sends and what comes back, in a folder below the user's own outputs/. What is sent is
a command line, and what comes back an exit status.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kingdra_repro.errors import InputError
from kingdra_repro.reproduce import child
from kingdra_repro.reproduce.launchers import Ended, Runs, Sent, Share

try:
    from submitit import Executor, Job, LocalExecutor, SlurmExecutor
    from submitit.core.utils import FailedJobError
    from submitit.helpers import Checkpointable
except ImportError as error:
    raise InputError(
        "launcher=slurm and slurm_local need another package: pip install 'kingdra-repro[slurm]'"
    ) from error

SECONDS_BETWEEN_LOOKS = 1.0


@dataclass
class Slurm:
    """Each run is a job of Slurm; what it asks for is explained in configs/launcher/slurm.yaml."""

    partition: str | None
    account: str | None
    qos: str | None
    gpus_per_node: int | None
    cpus_per_task: int | None
    mem_gb: int | None
    timeout_min: int
    signal_delay_s: int
    max_num_timeout: int
    additional_parameters: Mapping[str, Any]
    setup: Sequence[str] | None

    def launch(self, queue: Iterator[Sent], n: int, lock: int, end: float, folder: Path) -> Runs:
        executor = SlurmExecutor(folder, max_num_timeout=self.max_num_timeout)
        wanted = {
            "partition": self.partition,
            "account": self.account,
            "qos": self.qos,
            "gpus_per_node": self.gpus_per_node,
            "cpus_per_task": self.cpus_per_task,
            "mem_gb": self.mem_gb,
            "setup": None if self.setup is None else list(self.setup),
        }
        executor.update_parameters(
            name="kingdra-reproduce",
            timeout_min=self.timeout_min,
            signal_delay_s=self.signal_delay_s,
            additional_parameters=dict(self.additional_parameters),
            **{name: value for name, value in wanted.items() if value is not None},
        )
        return _through(executor, queue, n, end)


@dataclass
class SlurmLocal:
    """Each run is a process of this machine, begun as a job of Slurm is."""

    timeout_min: float
    signal_delay_s: int
    max_num_timeout: int

    def launch(self, queue: Iterator[Sent], n: int, lock: int, end: float, folder: Path) -> Runs:
        executor = LocalExecutor(folder, max_num_timeout=self.max_num_timeout)
        executor.update_parameters(timeout_min=self.timeout_min, signal_delay_s=self.signal_delay_s)
        return _through(executor, queue, n, end, Share(n))


class Command(Checkpointable):
    """kingdra-run, in a job; submitit sends it again at the time limit, and the run goes on."""

    def __call__(self, command: Sequence[str], log: str, threads: int | None) -> int | None:
        return child.run_command(command, Path(log), None, float("inf"), lambda: None, threads)


def _through(
    executor: Executor, queue: Iterator[Sent], n: int, end: float, share: Share | None = None
) -> Runs:
    at_work: dict[Job[int | None], Sent] = {}
    try:
        while True:
            while len(at_work) < n and (sent := next(queue, None)) is not None:
                overrides = sent.overrides if share is None else share.of(sent.overrides)
                threads = None if share is None else share.threads
                job = executor.submit(Command(), child.command(overrides), str(sent.log.absolute()), threads)
                at_work[job] = sent
            if not at_work:
                return
            if time.monotonic() >= end:
                yield from (Ended(sent, None) for sent in at_work.values())
                return
            time.sleep(SECONDS_BETWEEN_LOOKS)
            for job in [job for job in at_work if job.done()]:
                yield _ended(job, at_work.pop(job))
    finally:
        for job in at_work:
            job.cancel(check=False)


def _ended(job: Job[int | None], sent: Sent) -> Ended:
    error = job.exception()
    if error is None:
        return Ended(sent, job.result())
    why = "of an error" if isinstance(error, FailedJobError) else f"without a result ({job.state})"
    return Ended(sent, 1, f"job {job.job_id} ended {why}: see {job.paths.stderr}")
