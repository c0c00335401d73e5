"""The members of an ensemble dealt out to ranks, which train theirs at the same time.

All ranks do the same in the same order: train a phase, save, compute outputs; after each of these, all know
what the others came to. Rank 0 runs the method and says what is next; the others `follow`. Pseudo-labels are
made once, by rank 0, and told to all: processors that round differently cannot come to different ones.
"""

import shlex
import signal
import sys
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from kingdra_repro.data.streamed import Matrix
from kingdra_repro.errors import InputError
from kingdra_repro.training.group import Group, RankLost, join_torchrun, start
from kingdra_repro.training.messages import message_bytes
from kingdra_repro.training.shared_matrix import shared_matrix
from kingdra_repro.training.stack import StepDone
from kingdra_repro.training.supervised import PseudoLabels
from kingdra_repro.training.threads import threads
from kingdra_repro.training.worker import MemberLosses, Task, Worker
from kingdra_repro.version import package_version

_torchrun: Group | None = None  # of the program that `run_under_torchrun` runs


class RankedWorker:
    """The `Worker` of each rank; each method is called on all ranks, and told by the first to the others.

    Parameters
    ----------
    task : Task, whose members are dealt out by turns
    X : float32 array, CSR matrix or StreamedMatrix [n, d] on rank 0; None on the others
    device : "cpu", "cuda" (of several GPUs each rank of a machine has one), or a GPU such as "cuda:1"
    n_threads : int or None, of the CPU, while a rank trains; None: as many as there are
    """

    def __init__(
        self,
        group: Group,
        task: Task,
        X: Matrix | None,
        device: str,
        n_threads: int | None,
    ) -> None:
        group.tell("begin", task, device, n_threads)
        self._group, self._n_threads = group, n_threads
        self.members = task.members[group.rank :: group.size]
        data = shared_matrix(X, group)

        def begin() -> None:
            if task.checkpoint is not None and not task.checkpoint.names("run"):
                raise InputError(
                    f"Rank {group.rank} does not find the checkpoint in {task.checkpoint.folder}: give "
                    "output_dir, or checkpoint_dir in Python, a folder that all nodes share"
                )
            self._worker = Worker(self.members, task, data, group.own(torch.device(device)))

        group.together(begin)

    def train(
        self,
        epochs: range,
        pseudo: PseudoLabels | None,
        on_step: Callable[[StepDone], None],
        phase: int | None,
    ) -> MemberLosses:
        """`Worker.train` on all ranks; ``on_step`` is called for the steps of this one."""
        self._group.tell("train", epochs.start, epochs.stop, pseudo, phase)

        def notify(step: StepDone) -> None:
            self._group.look()
            on_step(step)

        with threads(self._n_threads):
            parts = self._group.together(lambda: self._worker.train(epochs, pseudo, notify, phase))
        names = dict.fromkeys(name for part in parts for name in part)
        return {name: {m: v for part in parts for m, v in part.get(name, {}).items()} for name in names}

    def save(self, phase: int) -> None:
        """`Worker.save` on all ranks."""
        self._group.tell("save", phase)
        self._group.together(lambda: self._worker.save(phase))

    def predict_proba(self, start: int, stop: int) -> dict[int, Tensor]:
        """`Worker.predict_proba` on all ranks."""
        self._group.tell("predict_proba", start, stop)
        with threads(self._n_threads):
            parts = self._group.together(lambda: self._worker.predict_proba(start, stop))
        return {member: proba for part in parts for member, proba in part.items()}

    def weights(self, member: int) -> dict[str, Tensor]:
        """`Worker.weights` of the rank that has the member."""
        self._group.tell("weights", member)
        parts = self._group.together(lambda: self._worker.weights(member))
        return next(part for part in parts if part is not None)

    def close(self) -> None:
        """Let go of everything; ranks that were started for it end."""
        self._worker.close()
        if self._group.here:
            self._group.close()
        elif self._group.in_step:
            self._group.tell("close")


def begin(task: Task, X: Matrix, devices: Sequence[torch.device]) -> RankedWorker:
    """Begin a task on ranks of this machine, one a device, or on those that ``torchrun`` has started.

    There are no more ranks than members. Under ``torchrun`` the devices' kind alone counts. The result for a
    seed does not depend on the ranks, beyond rounding.

    Raises
    ------
    InputError
        Where a base model cannot be sent to other processes, or one of these has ended.
    """
    n_ranks = min(len(devices), len(task.members))
    device = str(devices[0] if n_ranks == 1 else devices[0].type)
    if _torchrun is not None:
        return RankedWorker(_torchrun, task, X, device, None)
    if n_ranks == 1:
        return RankedWorker(Group(), task, X, device, None)
    message_bytes(task)  # raises now what it would raise later
    n_threads = max(1, torch.get_num_threads() // n_ranks)
    group = start(n_ranks, n_threads, "kingdra_repro.training.ranks:follow")
    try:
        return RankedWorker(group, task, X, device, n_threads)
    except BaseException:
        group.close()
        raise


def follow(group: Group) -> None:
    """Do what rank 0 says, until it says no more or is there no longer."""
    workers: list[RankedWorker] = []  # a method may train other members meanwhile
    while True:
        try:
            told = group.broadcast()
        except RankLost:
            raise SystemExit(1) from None  # rank 0 says so
        except InputError as error:  # what it says cannot be understood: rank 0 points to this line
            raise SystemExit(str(error)) from error
        if told is None:
            return
        method, arguments = told
        try:
            if method == "begin":
                task, device, n_threads = arguments
                workers.append(RankedWorker(group, task, None, device, n_threads))
            elif method == "train":
                first, last, pseudo, phase = arguments
                workers[-1].train(range(first, last), pseudo, lambda step: None, phase)
            elif method == "close":
                workers.pop()
            else:
                getattr(workers[-1], method)(*arguments)
        except RankLost:
            raise SystemExit(1) from None
        except Exception:
            if not group.in_step:
                raise
            # Else rank 0 knows it, and raises it.


def run_under_torchrun(program: Callable[[], None]) -> None:
    """Run a program on rank 0 of those that ``torchrun`` has started; the others follow what it trains.

    It ends with status 2 where the ranks do not reach one another, and where one was given other arguments
    than rank 0, whose alone would count, or is of another version.
    """
    global _torchrun
    try:
        group = join_torchrun()
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    given = group.together(lambda: [f"kingdra-run-{package_version()}", *sys.argv[1:]])
    if (rank := next((i for i, one in enumerate(given) if one != given[0]), None)) is not None:
        if group.rank == 0:
            own, others = (shlex.join(given[i]) for i in (0, rank))
            line = f"Rank {rank} is {others!r}, rank 0 {own!r}: start the same on each"
            print(line, file=sys.stderr)
        sys.exit(2)
    if group.rank > 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's would wait for gloo
        follow(group)
        return
    _torchrun = group
    try:
        program()
    except SystemExit as ended:
        if not ended.code and group.in_step:
            group.broadcast(None)
        raise
