"""What a launcher of many runs is, and the one that keeps to this machine."""

import itertools
import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from joblib import Parallel, delayed

from kingdra_repro.devices import choose_device, device_by_turns
from kingdra_repro.reproduce import child
from kingdra_repro.reproduce.plan import PlannedRun

# Makes one run: `kingdra_repro.reproduce.child.run` or `kingdra_repro.programs.here.run`.
Way = Callable[[Sequence[str], Path, int, float, Callable[[], None]], int | None]


@dataclass(frozen=True)
class Sent:
    """A run as it is sent: a plain command line, and the file that its output goes to.

    Where runs are made one by one, `look` is called now and then while this one goes on.
    """

    run: PlannedRun
    overrides: Sequence[str]
    log: Path
    look: Callable[[], None]


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes
    ----------
    status : exit status, negative: the signal that ended it. None where it was stopped at the budget's end
    line : why it failed, where the run itself could not say so
    """

    sent: Sent
    status: int | None
    line: str | None = None


Runs = Generator[Ended, None, None]
Launch = Callable[[Iterator[Sent], int, int, float, Path], Runs]


def one_by_one(way: Way, queue: Iterator[Sent], n: int, lock: int, end: float, folder: Path) -> Runs:
    """Make one run after the other, as `Launcher.launch` makes several."""
    for sent in queue:
        yield Ended(sent, way(sent.overrides, sent.log, lock, end, sent.look))


class Launcher(Protocol):
    """Makes runs, several at a time; the classes of configs/launcher."""

    def launch(self, queue: Iterator[Sent], n: int, lock: int, end: float, folder: Path) -> Runs:
        """Make all runs of a queue, and tell of each as it ends. Closing the iterator stops those at work.

        Parameters
        ----------
        queue : the next one is taken when there is room for it
        n : runs at a time
        lock : handle of a lock that runs of this machine hold until they have ended
        end : a time of ``time.monotonic``, at which runs are stopped
        folder : for what the launcher itself writes
        """

    def device_type(self, name: str) -> str:
        """Return "cuda" or "cpu": what a ``device=`` of this name means where the runs are."""


class Share:
    """What each of `n` runs has of this machine: a process with its part of the threads, a GPU by turns."""

    def __init__(self, n: int):
        self.threads = max(1, (os.cpu_count() or 1) // n)
        self._turns = itertools.count()

    def of(self, overrides: Sequence[str]) -> list[str]:
        """Add ``n_jobs=1`` and ``device=`` to overrides of kingdra-run, which may have their own."""
        given = dict(one.split("=", 1) for one in overrides if "=" in one)
        device = given.get("device", "auto")
        n_jobs = [] if "n_jobs" in given else ["n_jobs=1"]
        if (gpu := device_by_turns(device, next(self._turns))) == device:
            return [*overrides, *n_jobs]
        return [*(one for one in overrides if not one.startswith("device=")), *n_jobs, f"device={gpu}"]


class Joblib:
    """joblib: n runs at a time on this machine, each in a process of its own, which a thread waits for."""

    def device_type(self, name: str) -> str:
        """See `Launcher.device_type`."""
        return choose_device(name).type

    def launch(self, queue: Iterator[Sent], n: int, lock: int, end: float, folder: Path) -> Runs:
        share, stopping, at_work = Share(n), threading.Event(), threading.Semaphore(n)

        def look() -> None:
            if stopping.is_set():
                raise InterruptedError("all runs are to stop")

        def make(sent: Sent) -> Ended:
            with at_work:
                command = child.command(share.of(sent.overrides))
                status = child.run_command(command, sent.log, lock, end, look, share.threads)
            return Ended(sent, status)

        parallel = Parallel(
            n_jobs=n, backend="threading", return_as="generator_unordered", pre_dispatch=n, batch_size=1
        )
        try:
            yield from parallel(delayed(make)(sent) for sent in queue)
        finally:
            stopping.set()
            for _ in range(n):  # until all have stopped
                at_work.acquire()
