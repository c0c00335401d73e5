"""Workers in processes of their own: one for each GPU, or several on a CPU.

Small networks gain little from a second thread; two processes of one thread do twice the work. The processes
exchange nothing but pseudo-labels, predictions, losses and, at the end, weights.
"""

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, cast

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from kingdra_repro.bases import Base
from kingdra_repro.data.links import Closure
from kingdra_repro.errors import InputError
from kingdra_repro.python_process import python_command
from kingdra_repro.training.checkpoint import Checkpoint
from kingdra_repro.training.options import TrainingOptions
from kingdra_repro.training.shared_matrix import write_matrix
from kingdra_repro.training.stack import PseudoLabels, StepDone
from kingdra_repro.training.worker import Member, MemberLosses, Worker

SECONDS_BETWEEN_REPORTS = 0.2


class WorkerProcesses:
    """Several `Worker` s, each in its own process.

    Parameters
    ----------
    members : those of each process
    devices : the device of each
    threads : CPU threads of each
    X, n_clusters, options, seed, checkpoint, phase_done, links : as for `Worker`
    """

    def __init__(
        self,
        members: Sequence[Sequence[Member]],
        devices: Sequence[torch.device],
        threads: int,
        X: np.ndarray | sp.csr_matrix,
        n_clusters: int,
        options: TrainingOptions,
        *,
        seed: int,
        checkpoint: Checkpoint | None,
        phase_done: int = -1,
        links: Closure | None = None,
    ) -> None:
        self._processes: list[subprocess.Popen] = []
        self._connections: list[Connection] = []
        place = None if checkpoint is None else (checkpoint.folder, checkpoint.run)
        file, matrix = write_matrix(X)
        with file:
            messages = [
                (
                    list(share),
                    matrix,
                    n_clusters,
                    options,
                    seed,
                    str(device),
                    threads,
                    place,
                    phase_done,
                    links,
                )
                for share, device in zip(members, devices, strict=True)
            ]
            _check_sendable([member.base for share in members for member in share])
            for _ in devices:
                process, connection = _start(threads, file.fileno())
                self._processes.append(process)
                self._connections.append(connection)
            self._results(messages)

    def train(
        self,
        epochs: range,
        pseudo: PseudoLabels | None,
        on_step: Callable[[StepDone], None],
        phase: int | None,
    ) -> MemberLosses:
        """`Worker.train` in all processes at once."""
        losses: MemberLosses = {}
        for part in self._call("train", epochs, pseudo, phase, on_step=on_step):
            for name, values in part.items():
                losses.setdefault(name, {}).update(values)
        return losses

    def save(self, phase: int) -> None:
        """`Worker.save` in all processes at once."""
        self._call("save", phase)

    def predict_proba(self) -> dict[int, Tensor]:
        """Compute the outputs of each member for the data trained on: float32 Tensors [n, k]."""
        return {m: torch.from_numpy(y) for part in self._call("predict_proba") for m, y in part.items()}

    def weights(self, member: int) -> dict[str, Tensor]:
        """Return the weights and moments of a member."""
        state = next(part for part in self._call("weights", member) if part is not None)
        return {name: torch.from_numpy(value) for name, value in state.items()}

    def _call(
        self, method: str, *arguments: Any, on_step: Callable[[StepDone], None] | None = None
    ) -> list[Any]:
        """Return what the method of each worker returns; see `_results`."""
        return self._results([(method, arguments)] * len(self._connections), on_step)

    def _results(
        self, messages: Sequence[tuple], on_step: Callable[[StepDone], None] | None = None
    ) -> list[Any]:
        """Return what each worker answers to its message.

        Raises
        ------
        InputError
            If a process has died. Whatever a worker raises is raised here.
        """
        try:
            for connection, message in zip(self._connections, messages, strict=True):
                with _alive():
                    connection.send(message)
            results: dict[Any, Any] = {}
            while len(results) < len(self._connections):
                for ready in wait([c for c in self._connections if c not in results]):
                    connection = cast(Connection, ready)
                    with _alive():
                        kind, value = connection.recv()
                    if kind == "error":
                        raise value
                    if kind == "step" and on_step is not None:
                        members, epoch, fraction, sent = value
                        losses = {name: torch.tensor(values) for name, values in sent.items()}
                        on_step(StepDone(members, epoch, fraction, losses))
                    if kind == "result":
                        results[connection] = value
        except BaseException:
            self.close()
            raise
        return [results[connection] for connection in self._connections]

    def close(self) -> None:
        """End the processes; those in the middle of something are stopped."""
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def _alive() -> Iterator[None]:
    """While a worker is talked to: one that has ended meanwhile is reported."""
    try:
        yield
    except (EOFError, OSError) as error:
        raise InputError(
            "A worker process ended before its work was done (perhaps killed for lack of memory): "
            "run again to resume from the last checkpoint; n_jobs=1 needs the least memory"
        ) from error


def _check_sendable(bases: Sequence[Base]) -> None:
    """Raise InputError where a base cannot go to another process, as one whose class is within a function."""
    try:
        pickle.dumps(bases)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InputError(
            f"A base model cannot be sent to other processes ({error}): write its class at the top level of "
            "a module beside the script, or use n_jobs=1"
        ) from error


def _start(threads: int, shared: int) -> tuple[subprocess.Popen, Connection]:
    """Start a process that runs `serve` and inherits a file, and the connection to it.

    Not multiprocessing.Process: its children import the user's script again, and so run it where it has no
    ``if __name__ == "__main__"``.
    """
    ours, theirs = socket.socketpair()
    handle = theirs.fileno()
    command = python_command(
        f"from kingdra_repro.python_process import end_with; end_with({handle}); "
        f"from kingdra_repro.training.processes import serve; serve({handle})"
    )
    process = subprocess.Popen(
        command,
        pass_fds=[handle, shared],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)},
    )
    theirs.close()
    return process, Connection(ours.detach())


def serve(handle: int) -> None:
    """Make the worker of a process, then do what the connection asks for, until that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process gets the signal, and ends this one
    connection = Connection(handle)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the first process has ended
        _answer(connection)


def _answer(connection: Connection) -> None:
    reported = 0.0

    def report(step: StepDone) -> None:
        nonlocal reported
        if step.fraction == 1 or time.monotonic() - reported > SECONDS_BETWEEN_REPORTS:
            reported = time.monotonic()
            # Numbers alone are sent: tensors would go through shared memory, which may be small.
            losses = {name: value.tolist() for name, value in step.losses.items()}
            connection.send(("step", (step.members, step.epoch, step.fraction, losses)))

    try:
        try:
            received = connection.recv()
        except (AttributeError, ImportError) as error:
            raise InputError(
                f"The other processes cannot import a base model ({error}): write its class in a module "
                "beside the script, not in the script itself, or use n_jobs=1"
            ) from error
        members, matrix, n_clusters, options, seed, device, threads, place, phase_done, links = received
        torch.set_num_threads(threads)
        # Faster where numbers fade out; a whole process' setting, so not for the caller's own.
        torch.set_flush_denormal(True)
        checkpoint = None if place is None else Checkpoint(*place)
        X = matrix.read()
        worker = Worker(
            members,
            X,
            n_clusters,
            options,
            seed=seed,
            device=torch.device(device),
            checkpoint=checkpoint,
            phase_done=phase_done,
            links=links,
        )
        connection.send(("result", None))
        while True:
            method, arguments = connection.recv()
            if method == "train":
                epochs, pseudo, phase = arguments
                result: Any = worker.train(epochs, pseudo, report, phase)
            elif method == "save":
                worker.save(*arguments)
                result = None
            elif method == "predict_proba":
                result = {m: y.numpy() for m, y in worker.predict_proba().items()}
            else:
                state = worker.weights(*arguments)
                result = None if state is None else {name: value.numpy() for name, value in state.items()}
            connection.send(("result", result))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:
        if not isinstance(error, InputError):
            error.add_note(traceback.format_exc())  # where it happened: what is raised again does not know
        connection.send(("error", _sendable(error)))


def _sendable(error: Exception) -> Exception:
    """Return an exception that survives pickling: itself, or one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever its __init__ or __reduce__ does
        same = RuntimeError(f"{type(error).__name__}: {error}")
        for note in getattr(error, "__notes__", []):
            same.add_note(note)
        return same
    return error
