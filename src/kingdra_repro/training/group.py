"""A group of ranks: processes that compute together, on one machine or on several.

Rank 0 is the process that runs the program, or the user's. With ``n_jobs`` it starts the others on its own
machine; under ``torchrun`` they are there already. They exchange bytes by torch.distributed's gloo: what they
tell one another lies on the CPU, on machines with GPUs, too.

The ranks of ``n_jobs`` are not started by PyTorch's launchers. With torch.distributed.launcher the user's own
process is no rank, so that its monitor would need a channel, and signals are no longer its own;
torch.multiprocessing runs the user's script again, also where it has no ``if __name__ == "__main__"``.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from kingdra_repro.errors import InputError, first_line
from kingdra_repro.python_process import python_command
from kingdra_repro.training.divergence import Diverged
from kingdra_repro.training.messages import message_bytes, message_of

CONNECTING = timedelta(minutes=5)
WAITING = timedelta(days=1000)  # a phase takes as long as it takes
LOOPBACK = "127.0.0.1"
# Where a process' open files are: of other processes, too, or of itself alone.
DESCRIPTORS = "/proc/{}/fd" if Path("/proc/self/fd").exists() else "/dev/fd"
LOOK_EVERY = 1.0  # second, from one question whether another rank has failed to the next
RAISED_ANEW = {kind.__name__: kind for kind in (InputError, Diverged, MemoryError)}


class RankLost(InputError):
    """A rank is there no longer."""


class _FailedElsewhere(Exception):
    """Another rank has raised what all will."""


class Group:
    """Ranks that are connected; without parameters this process alone.

    Parameters
    ----------
    store : torch.distributed.Store that all have, by which they find one another
    rank, size : int, which rank this is, of how many
    here : bool, whether all are on this machine, started by rank 0; else ``torchrun`` has started them, and
        they listen where ``GLOO_SOCKET_IFNAME`` or the host's name says
    processes : those of ranks 1, 2 ..., on the rank that has started them

    Attributes
    ----------
    node : str
        The same for ranks that can read one another's files in ``/proc``.
    in_step : bool
        Whether all ranks wait for what is next. Not where one is lost or stopped in the midst of something.
    """

    def __init__(
        self,
        store: Any = None,
        rank: int = 0,
        size: int = 1,
        *,
        here: bool = True,
        processes: Sequence[subprocess.Popen] = (),
    ) -> None:
        self.rank, self.size, self.here, self.in_step = rank, size, here, True
        self._processes = list(processes)
        self._store, self._works, self._looked = store, 0, 0.0
        node = "here" if here else os.environ.get("GROUP_RANK", socket.gethostname())
        self.node = node if DESCRIPTORS.startswith("/proc") else f"rank {rank}"
        if size == 1:
            return
        if here:
            options = dist.ProcessGroupGloo._Options()  # type: ignore[attr-defined]
            options._timeout = CONNECTING
            options._devices = [dist.ProcessGroupGloo.create_device(hostname=LOOPBACK)]
            self._gloo: Any = dist.ProcessGroupGloo(store, rank, size, options)
        else:
            self._gloo = dist.ProcessGroupGloo(store, rank, size, CONNECTING)
        self._gloo.set_timeout(WAITING)

    def own(self, device: torch.device) -> torch.device:
        """Return the device of this rank where all have this kind: of GPUs each rank of a machine has one."""
        if device.type != "cuda" or device.index is not None or self.size == 1:
            return device
        local = self.rank if self.here else int(os.environ.get("LOCAL_RANK", self.rank))
        if (count := torch.cuda.device_count()) == 0:
            raise InputError(
                f"device={device}: rank {self.rank} has no GPU, and rank 0 has: give device=cpu to all"
            )
        return torch.device("cuda", local % count)

    def tell(self, what: str, *arguments: Any) -> None:
        """On rank 0: tell the others what all do next; these have been told already."""
        if not self.in_step:
            raise RankLost("The other ranks were stopped before: start this run by itself")
        if self.rank == 0:
            self.broadcast((what, arguments))

    def broadcast(self, message: Any = None, root: int = 0) -> Any:
        """Tell all ranks what rank `root` says, as `message_bytes` takes it."""
        if self.size == 1:
            return message
        data = message_bytes(message) if self.rank == root else None
        length = torch.tensor([0 if data is None else len(data)])
        self._wait(self._gloo.broadcast(length, root))
        if data is None:
            data = torch.empty(int(length), dtype=torch.uint8)
        self._wait(self._gloo.broadcast(data, root))
        return message if self.rank == root else message_of(data)

    def together(self, work: Callable[[], Any]) -> list[Any]:
        """Do some work on every rank, and return on all what each has come to.

        Work that takes long calls `look` now and then, and ends soon where another rank's has failed.

        Raises
        ------
        Exception
            On every rank, what the work has raised on one of them; `RankLost` where one has ended.
        """
        if self.size == 1:
            return [work()]
        own: Exception | None = None
        outcome: dict[str, Any] = {}
        self.in_step = False
        self._works += 1
        try:
            outcome["result"] = work()
        except RankLost:
            raise
        except _FailedElsewhere:
            outcome["result"] = None
        except Exception as error:
            own, outcome = error, {"error": self._described(error)}
            with contextlib.suppress(RuntimeError):  # the store is gone: the others are, too
                self._store.set(f"failed{self._works}", "")
        outcomes = [self.broadcast(outcome, rank) for rank in range(self.size)]
        self.in_step = True
        if own is not None:
            raise own
        for one in outcomes:
            if "error" in one:
                raise _error(*one["error"])
        return [one["result"] for one in outcomes]

    def check(self) -> None:
        """Raise RankLost where a process that this one has started has ended."""
        for rank, process in enumerate(self._processes, 1):
            if (status := process.poll()) is not None:
                how = f"by signal {-status}" if status < 0 else f"with status {status}"
                raise RankLost(
                    f"Rank {rank} of {self.size} (process {process.pid}) ended {how} before its work was "
                    "done (perhaps for lack of memory): run again to resume from the last checkpoint, with "
                    "any n_jobs; n_jobs=1 needs the least memory"
                )

    def look(self) -> None:
        """Within work that all do `together`: raise where another rank has failed or, if known, ended."""
        self.check()
        if self.size == 1 or time.monotonic() - self._looked < LOOK_EVERY:
            return
        self._looked = time.monotonic()
        try:
            failed = self._store.check([f"failed{self._works}"])
        except RuntimeError as error:
            raise self._lost() from error
        if failed:
            raise _FailedElsewhere

    def close(self) -> None:
        """End the processes that were started; those in the midst of something are stopped."""
        _end(self._processes)
        if self.size > 1:
            self._gloo.shutdown()

    def _wait(self, work: Any) -> None:
        before, self.in_step = self.in_step, False
        pause = 1e-4
        while not work.is_completed():  # not work.wait(): Ctrl-C would have to wait as well
            self.check()
            time.sleep(pause)
            pause = min(2 * pause, 0.02)
        try:
            work.wait()
        except RuntimeError as error:
            if self._processes:
                time.sleep(0.1)  # its connections end a moment before a process has
            self.check()
            raise self._lost() from error
        self.in_step = before

    def _lost(self) -> RankLost:
        return RankLost(
            f"Rank {self.rank} of {self.size} has lost the others, of which one has ended (torchrun says "
            "which): run again to resume from the last checkpoint, with as many ranks as you like"
        )

    def _described(self, error: Exception) -> tuple[str, str, str | None, list[str]]:
        notes = list(getattr(error, "__notes__", []))
        if not isinstance(error, InputError):  # what is raised again does not know where it happened
            notes.append(f"On rank {self.rank}:\n{traceback.format_exc()}")
        return type(error).__name__, str(error), getattr(error, "parameter", None), notes


def _error(kind: str, message: str, parameter: str | None, notes: list[str]) -> Exception:
    """Make the exception that another rank has raised; one of a kind that is not known says what it was."""
    known = RAISED_ANEW.get(kind)
    error = RuntimeError(f"{kind}: {message}") if known is None else known(message)
    if isinstance(error, InputError):
        error.parameter = parameter
    for note in notes:
        error.add_note(note)
    return error


def start(size: int, threads: int, work: str) -> Group:
    """Start the ranks 1, 2 ... on this machine, and return this process' group, of which it is rank 0.

    Parameters
    ----------
    size : int, with this one
    threads : int, of the CPU, for each
    work : str
        ``module:function`` that the others call with their group. They end with this process.
    """
    listening = socket.create_server((LOOPBACK, 0), backlog=size)
    port = listening.getsockname()[1]
    store = dist.TCPStore(
        LOOPBACK, port, is_master=True, wait_for_workers=False, master_listen_fd=listening.detach()
    )
    processes = [_started(rank, size, port, threads, work) for rank in range(1, size)]
    try:
        ready = [f"rank{rank}" for rank in range(1, size)]
        while not store.check(ready):  # gloo would wait for them whatever happens
            for rank, process in enumerate(processes, 1):
                if process.poll() is not None:
                    raise RankLost(
                        f"Rank {rank} of {size} could not start (status {process.returncode}): its own "
                        "message is above; n_jobs=1 needs no other process"
                    )
            time.sleep(0.02)
        return Group(store, 0, size, here=True, processes=processes)
    except BaseException:
        _end(processes)
        raise


def _started(rank: int, size: int, port: int, threads: int, work: str) -> subprocess.Popen:
    module, function = work.split(":")
    command = python_command(
        "from kingdra_repro.python_process import end_with; end_with(0); "
        "from kingdra_repro.training.group import join; "
        f"from {module} import {function}; {function}(join({rank}, {size}, {port}))"
    )
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # nothing is written to it: it ends with this process
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)},
    )


def join(rank: int, size: int, port: int) -> Group:
    """Join the group of the process that has started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # rank 0 gets it, too, and ends this one
    store = dist.TCPStore(LOOPBACK, port, is_master=False, wait_for_workers=False)
    store.set(f"rank{rank}", "")
    return Group(store, rank, size, here=True)


def join_torchrun() -> Group:
    """Join the group of the processes that ``torchrun`` has started.

    Raises
    ------
    InputError
        Where they are not found, or not reached.
    """
    try:
        store, rank, size = next(dist.rendezvous("env://"))
        # torchrun that starts failed ranks anew keeps the store, with addresses where nobody is any more.
        attempt = store.add(f"kingdra_repro/rank{rank}", 1)
        return Group(dist.PrefixStore(f"kingdra_repro/{attempt}", store), rank, size, here=False)
    except (ValueError, RuntimeError) as error:
        raise InputError(
            f"The ranks do not reach one another ({first_line(error)}): start them by torchrun, and where a "
            "node has several networks, name the one that all share by GLOO_SOCKET_IFNAME"
        ) from error


def _end(processes: Sequence[subprocess.Popen]) -> None:
    for process in processes:
        process.kill()  # SIGTERM would wait for one that is stopped, or ignores it as this one does
    for process in processes:
        process.wait()
        with contextlib.suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
