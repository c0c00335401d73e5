"""Launchers that use submitit: for jobs of Slurm, and for local jobs that are started in the same way.

submitit pickles what it sends and what it gets back, in a folder below the user's own outputs/. It sends a
command line, and gets back an exit status.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from kingdra_repro.devices import choose_device
from kingdra_repro.errors import InputError
from kingdra_repro.reproduce import child
from kingdra_repro.reproduce.launchers import RunOutcome, RunOutcomes, Share, SubmittedRun

try:
    from submitit import Executor, Job, LocalExecutor, SlurmExecutor
    from submitit.core.utils import FailedJobError
    from submitit.helpers import Checkpointable
except ImportError as error:
    raise InputError(
        "launcher=slurm and slurm_local need another package: pip install 'kingdra-repro[slurm]'"
    ) from error

SECONDS_BETWEEN_POLLS = 1.0


@dataclass
class Slurm:
    """A launcher that makes each run a Slurm job; configs/launcher/slurm.yaml explains the fields."""

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

    def launch(
        self, queue: Iterator[SubmittedRun], n: int, lock: int, end: float, folder: Path
    ) -> RunOutcomes:
        executor = SlurmExecutor(folder, max_num_timeout=self.max_num_timeout)
        wanted = {
            "partition": self.partition,
            "account": self.account,
            "qos": self.qos,
            "gpus_per_node": self.gpus_per_node,
            "cpus_per_task": self.cpus_per_task,
            "mem": None if self.mem_gb is None else f"{self.mem_gb}GB",
            "setup": None if self.setup is None else list(self.setup),
        }
        executor.update_parameters(
            job_name="kingdra-reproduce",
            time=self.timeout_min,
            signal_delay_s=self.signal_delay_s,
            additional_parameters=dict(self.additional_parameters),
            **{name: value for name, value in wanted.items() if value is not None},
        )
        return _through(executor, self._on_its_gpu(queue), n, end)

    def device_type(self, name: str) -> str:
        """Return "cuda" or "cpu", whatever devices this machine has; see `Launcher.device_type`."""
        if name != "auto":
            return name.partition(":")[0]
        return "cuda" if self.gpus_per_node else "cpu"

    def _on_its_gpu(self, queue: Iterator[SubmittedRun]) -> Iterator[SubmittedRun]:
        """Make a job that requests a GPU fail if it cannot use one, rather than run on its few cores."""
        for submitted in queue:
            overrides = submitted.overrides
            has_device = not self.gpus_per_node or any(one.startswith("device=") for one in overrides)
            yield submitted if has_device else replace(submitted, overrides=[*overrides, "device=cuda"])


@dataclass
class SlurmLocal:
    """A launcher that makes each run a process on this machine, started in the way of a Slurm job."""

    timeout_min: float
    signal_delay_s: int
    max_num_timeout: int

    def launch(
        self, queue: Iterator[SubmittedRun], n: int, lock: int, end: float, folder: Path
    ) -> RunOutcomes:
        executor = LocalExecutor(folder, max_num_timeout=self.max_num_timeout)
        executor.update_parameters(timeout_min=self.timeout_min, signal_delay_s=self.signal_delay_s)
        return _through(executor, queue, n, end, Share(n))

    def device_type(self, name: str) -> str:
        """See `Launcher.device_type`."""
        return choose_device(name).type


class Command(Checkpointable):
    """A command line of kingdra-run as a job; submitit requeues it at the time limit, and the run resumes."""

    def __call__(self, command: Sequence[str], log: str, threads: int | None) -> int | None:
        return child.run_command(command, Path(log), None, float("inf"), lambda: None, threads)


def _through(
    executor: Executor, queue: Iterator[SubmittedRun], n: int, end: float, share: Share | None = None
) -> RunOutcomes:
    at_work: dict[Job[int | None], SubmittedRun] = {}
    room = n
    try:
        while True:
            while len(at_work) < room and (submitted := next(queue, None)) is not None:
                overrides = submitted.overrides if share is None else share.of(submitted.overrides)
                threads = None if share is None else share.threads
                command, log = child.command(overrides), str(submitted.log.absolute())
                try:
                    job = executor.submit(Command(), command, log, threads)
                except FailedJobError as error:
                    if not at_work:
                        why = str(error).strip().splitlines()[-1].removeprefix("sbatch: error: ")
                        raise InputError(
                            f"Slurm refuses the job ({why}): correct what launcher. asks for (--help)"
                        ) from error
                    # The active jobs go on; for now, the cluster may accept no more jobs of this user.
                    queue, room = chain([submitted], queue), len(at_work)
                    break
                at_work[job] = submitted
            if not at_work:
                return
            if time.monotonic() >= end:
                yield from (RunOutcome(submitted, None) for submitted in at_work.values())
                return
            time.sleep(SECONDS_BETWEEN_POLLS)
            for job in [job for job in at_work if job.done()]:
                yield _outcome(job, at_work.pop(job))
    finally:
        for job in at_work:
            job.cancel(check=False)


def _outcome(job: Job[int | None], submitted: SubmittedRun) -> RunOutcome:
    error = job.exception()
    if error is None:
        return RunOutcome(submitted, job.result())
    why = "of an error" if isinstance(error, FailedJobError) else f"without a result ({job.state})"
    return RunOutcome(submitted, 1, f"job {job.job_id} ended {why}: see {job.paths.stderr}")
