"""A group of ranks: processes that compute together, on one machine or on several.

Rank 0 is the process of the command-line program or of the user's script. With ``n_jobs`` it starts the
other ranks on its own machine; under ``torchrun`` they already exist. Ranks exchange bytes through
torch.distributed's gloo backend: messages are in CPU memory, also on machines with GPUs.

PyTorch's launchers are not used to start the ranks of ``n_jobs``. With torch.distributed.launcher the user's
process would not be a rank: its monitor would need a channel, and it would no longer handle its own signals.
torch.multiprocessing runs the user's script again, even if it has no ``if __name__ == "__main__"``.
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
WAITING = timedelta(days=1000)  # no limit in practice: a phase may take any time
LOOPBACK = "127.0.0.1"
# The folder of a process's open files: /proc shows those of other processes too, /dev/fd only its own.
DESCRIPTORS = "/proc/{}/fd" if Path("/proc/self/fd").exists() else "/dev/fd"
CHECK_EVERY = 1.0  # seconds between two checks whether another rank has failed
RERAISABLE = {kind.__name__: kind for kind in (InputError, Diverged, MemoryError)}


class RankLost(InputError):
    """Another rank has ended or was stopped."""


class _FailedElsewhere(Exception):
    """Another rank has raised an exception, which all ranks will raise."""


class Group:
    """Connected ranks; without parameters, this process alone.

    Parameters
    ----------
    store : torch.distributed.Store that all ranks share, through which they find one another
    rank, size : int, the number of this rank, and of all ranks
    is_local : bool, whether all ranks are on this machine, started by rank 0; else ``torchrun`` has started
        them, and they listen at the interface ``GLOO_SOCKET_IFNAME`` or the address of the host's name
    processes : those of ranks 1, 2, ..., on the rank that has started them

    Attributes
    ----------
    node : str
        Equal on ranks that can read one another's files in ``/proc``.
    in_step : bool
        Whether all ranks are waiting for the next operation. False if one was lost or stopped within one.
    """

    def __init__(
        self,
        store: Any = None,
        rank: int = 0,
        size: int = 1,
        *,
        is_local: bool = True,
        processes: Sequence[subprocess.Popen] = (),
    ) -> None:
        self.rank, self.size, self.is_local, self.in_step = rank, size, is_local, True
        self._processes = list(processes)
        self._store, self._works, self._last_check = store, 0, 0.0
        node = "here" if is_local else os.environ.get("GROUP_RANK", socket.gethostname())
        self.node = node if DESCRIPTORS.startswith("/proc") else f"rank {rank}"
        if size == 1:
            return
        if is_local:
            options = dist.ProcessGroupGloo._Options()  # type: ignore[attr-defined]
            options._timeout = CONNECTING
            options._devices = [dist.ProcessGroupGloo.create_device(hostname=LOOPBACK)]
            self._gloo: Any = dist.ProcessGroupGloo(store, rank, size, options)
        else:
            self._gloo = dist.ProcessGroupGloo(store, rank, size, CONNECTING)
        self._gloo.set_timeout(WAITING)

    def device_of_rank(self, device: torch.device) -> torch.device:
        """Return the device of this rank; for "cuda" the ranks of a machine get its GPUs in turn."""
        if device.type != "cuda" or device.index is not None or self.size == 1:
            return device
        local = self.rank if self.is_local else int(os.environ.get("LOCAL_RANK", self.rank))
        if (count := torch.cuda.device_count()) == 0:
            raise InputError(
                f"device={device}: rank {self.rank} has no GPU, and rank 0 has: give device=cpu to all"
            )
        return torch.device("cuda", local % count)

    def broadcast_call(self, method: str, *arguments: Any) -> None:
        """Broadcast the next method call from rank 0; the other ranks, which have received it, do nothing."""
        if not self.in_step:
            raise RankLost("The other ranks were stopped before: start this run by itself")
        if self.rank == 0:
            self.broadcast((method, arguments))

    def broadcast(self, message: Any = None, root: int = 0) -> Any:
        """Send a message of rank `root` to all ranks and return it; for its types see `message_bytes`."""
        if self.size == 1:
            return message
        data = message_bytes(message) if self.rank == root else None
        length = torch.tensor([0 if data is None else len(data)])
        self._wait(self._gloo.broadcast(length, root))
        if data is None:
            data = torch.empty(int(length), dtype=torch.uint8)
        self._wait(self._gloo.broadcast(data, root))
        return message if self.rank == root else message_of(data)

    def run_on_all_ranks(self, work: Callable[[], Any]) -> list[Any]:
        """Run ``work`` on every rank; all ranks call this, and each gets the results of all ranks.

        Long work calls `check_other_ranks` regularly, so that it stops soon after another rank's has failed.

        Raises
        ------
        Exception
            On every rank, what ``work`` raised on any rank; `RankLost` if a rank has ended.
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
            with contextlib.suppress(RuntimeError):  # the store is gone, and so are the other ranks
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
        """Raise RankLost if a process that this one has started has ended."""
        for rank, process in enumerate(self._processes, 1):
            if (status := process.poll()) is not None:
                how = f"by signal {-status}" if status < 0 else f"with status {status}"
                raise RankLost(
                    f"Rank {rank} of {self.size} (process {process.pid}) ended {how} before its work was "
                    "done (perhaps for lack of memory): run again to resume from the last checkpoint, with "
                    "any n_jobs; n_jobs=1 needs the least memory"
                )

    def check_other_ranks(self) -> None:
        """Raise, within work of `run_on_all_ranks`, if another rank has failed or is known to have ended."""
        self.check()
        if self.size == 1 or time.monotonic() - self._last_check < CHECK_EVERY:
            return
        self._last_check = time.monotonic()
        try:
            failed = self._store.check([f"failed{self._works}"])
        except RuntimeError as error:
            raise self._lost() from error
        if failed:
            raise _FailedElsewhere

    def close(self) -> None:
        """Kill the processes that this one has started, even if they are working, and disconnect."""
        _end(self._processes)
        if self.size > 1:
            self._gloo.shutdown()

    def _wait(self, work: Any) -> None:
        before, self.in_step = self.in_step, False
        pause = 1e-4
        while not work.is_completed():  # not work.wait(), which Ctrl-C could not interrupt
            self.check()
            time.sleep(pause)
            pause = min(2 * pause, 0.02)
        try:
            work.wait()
        except RuntimeError as error:
            if self._processes:
                time.sleep(0.1)  # a process's connections close shortly before it has ended
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
        if not isinstance(error, InputError):  # other ranks raise the error without its traceback
            notes.append(f"On rank {self.rank}:\n{traceback.format_exc()}")
        return type(error).__name__, str(error), getattr(error, "parameter", None), notes


def _error(kind: str, message: str, parameter: str | None, notes: list[str]) -> Exception:
    """Recreate another rank's exception; an unknown type becomes a RuntimeError that names the type."""
    known = RERAISABLE.get(kind)
    error = RuntimeError(f"{kind}: {message}") if known is None else known(message)
    if isinstance(error, InputError):
        error.parameter = parameter
    for note in notes:
        error.add_note(note)
    return error


def start(size: int, threads: int, work: str) -> Group:
    """Start ranks 1, 2, ... on this machine, and return the group, in which this process is rank 0.

    Parameters
    ----------
    size : int, the number of ranks, with this one
    threads : int, the number of CPU threads of each started rank
    work : str
        ``module:function`` that the started ranks call with their group. They end with this process.
    """
    listening = socket.create_server((LOOPBACK, 0), backlog=size)
    port = listening.getsockname()[1]
    store = dist.TCPStore(
        LOOPBACK, port, is_master=True, wait_for_workers=False, master_listen_fd=listening.detach()
    )
    processes = [_started(rank, size, port, threads, work) for rank in range(1, size)]
    try:
        ready = [f"rank{rank}" for rank in range(1, size)]
        while not store.check(ready):  # gloo would wait even for a process that has ended
            for rank, process in enumerate(processes, 1):
                if process.poll() is not None:
                    raise RankLost(
                        f"Rank {rank} of {size} could not start (status {process.returncode}): its own "
                        "message is above; n_jobs=1 needs no other process"
                    )
            time.sleep(0.02)
        return Group(store, 0, size, is_local=True, processes=processes)
    except BaseException:
        _end(processes)
        raise


def _started(rank: int, size: int, port: int, threads: int, work: str) -> subprocess.Popen:
    module, function = work.split(":")
    command = python_command(
        "from kingdra_repro.python_process import exit_when_closed; exit_when_closed(0); "
        "from kingdra_repro.training.group import join; "
        f"from {module} import {function}; {function}(join({rank}, {size}, {port}))"
    )
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # never written to: it closes when this process ends
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)},
    )


def join(rank: int, size: int, port: int) -> Group:
    """Join the group of the process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # rank 0 receives it too, and ends this process
    store = dist.TCPStore(LOOPBACK, port, is_master=False, wait_for_workers=False)
    store.set(f"rank{rank}", "")
    return Group(store, rank, size, is_local=True)


def join_torchrun() -> Group:
    """Join the group of the processes that ``torchrun`` started.

    Raises
    ------
    InputError
        If the ranks cannot find or reach one another.
    """
    try:
        store, rank, size = next(dist.rendezvous("env://"))
        # When torchrun restarts failed ranks it keeps the store, which then holds outdated addresses.
        attempt = store.add(f"kingdra_repro/rank{rank}", 1)
        return Group(dist.PrefixStore(f"kingdra_repro/{attempt}", store), rank, size, is_local=False)
    except (ValueError, RuntimeError) as error:
        raise InputError(
            f"The ranks do not reach one another ({first_line(error)}): start them by torchrun, and where a "
            "node has several networks, name the one that all share by GLOO_SOCKET_IFNAME"
        ) from error


def _end(processes: Sequence[subprocess.Popen]) -> None:
    for process in processes:
        process.kill()  # not SIGTERM: a stopped process does not handle it, and it may be ignored
    for process in processes:
        process.wait()
        with contextlib.suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
