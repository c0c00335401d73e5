"""The protocol of launchers, which make several runs at a time, and the launcher for this machine."""

import itertools
import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from joblib import Parallel, delayed

from kingdra_repro.devices import choose_device, round_robin_device
from kingdra_repro.reproduce import child
from kingdra_repro.reproduce.plan import PlannedRun

# Makes one run: `kingdra_repro.reproduce.child.run` or `kingdra_repro.programs.in_process.run`.
RunFunction = Callable[[Sequence[str], Path, int, float, Callable[[], None]], int | None]


@dataclass(frozen=True)
class SubmittedRun:
    """A run that is submitted to a launcher: its overrides, and the file for its output.

    If runs are made one by one, each in its own process, `poll` is called regularly during the run.
    """

    run: PlannedRun
    overrides: Sequence[str]
    log: Path
    poll: Callable[[], None]


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended.

    Attributes
    ----------
    status : exit status; if negative, the signal that ended the run; None if it was stopped at the end time
    line : why the run failed, if it could not report that itself
    """

    submitted: SubmittedRun
    status: int | None
    line: str | None = None


RunOutcomes = Generator[RunOutcome, None, None]
Launch = Callable[[Iterator[SubmittedRun], int, int, float, Path], RunOutcomes]


def one_by_one(
    run_one: RunFunction, queue: Iterator[SubmittedRun], n: int, lock: int, end: float, folder: Path
) -> RunOutcomes:
    """Make one run after another, with the interface of `Launcher.launch`."""
    for submitted in queue:
        yield RunOutcome(submitted, run_one(submitted.overrides, submitted.log, lock, end, submitted.poll))


class Launcher(Protocol):
    """The protocol of the classes in configs/launcher, which make several runs at a time."""

    def launch(
        self, queue: Iterator[SubmittedRun], n: int, lock: int, end: float, folder: Path
    ) -> RunOutcomes:
        """Make all runs of a queue, and yield each as it ends. Closing the generator stops the active runs.

        Parameters
        ----------
        queue : runs to make; the next one is taken when there is room for it
        n : maximum number of runs at a time
        lock : file descriptor of a lock that runs on this machine hold until they have ended
        end : a time of ``time.monotonic``, at which runs are stopped
        folder : folder for the launcher's own files
        """

    def device_type(self, name: str) -> str:
        """Return "cuda" or "cpu": the device type that ``device=name`` means on the machine of the runs."""


class Share:
    """The share of this machine that each of `n` runs gets: some of the threads, and a GPU in turn."""

    def __init__(self, n: int):
        self.threads = max(1, (os.cpu_count() or 1) // n)
        self._turns = itertools.count()

    def of(self, overrides: Sequence[str]) -> list[str]:
        """Return the overrides with ``n_jobs=1``, if not set, and a GPU in turn, if there are several."""
        given = dict(one.split("=", 1) for one in overrides if "=" in one)
        device = given.get("device", "auto")
        n_jobs = [] if "n_jobs" in given else ["n_jobs=1"]
        if (gpu := round_robin_device(device, next(self._turns))) == device:
            return [*overrides, *n_jobs]
        return [*(one for one in overrides if not one.startswith("device=")), *n_jobs, f"device={gpu}"]


class Joblib:
    """A launcher for n runs at a time on this machine, each in a process that a joblib thread waits for."""

    def device_type(self, name: str) -> str:
        """See `Launcher.device_type`."""
        return choose_device(name).type

    def launch(
        self, queue: Iterator[SubmittedRun], n: int, lock: int, end: float, folder: Path
    ) -> RunOutcomes:
        share, stopping, at_work = Share(n), threading.Event(), threading.Semaphore(n)

        def poll() -> None:
            if stopping.is_set():
                raise InterruptedError("all runs are to stop")

        def make(submitted: SubmittedRun) -> RunOutcome:
            with at_work:
                command = child.command(share.of(submitted.overrides))
                status = child.run_command(command, submitted.log, lock, end, poll, share.threads)
            return RunOutcome(submitted, status)

        parallel = Parallel(
            n_jobs=n, backend="threading", return_as="generator_unordered", pre_dispatch=n, batch_size=1
        )
        try:
            yield from parallel(delayed(make)(submitted) for submitted in queue)
        finally:
            stopping.set()
            for _ in range(n):  # wait until all runs have stopped
                at_work.acquire()
