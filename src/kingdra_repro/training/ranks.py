"""The members of an ensemble distributed over ranks, which train them in parallel.

All ranks run the same operations in the same order: train a phase, save, compute outputs. After each of them
every rank has the results of all. Rank 0 runs the method and announces the operations; the others `follow`.
Pseudo-labels are computed by rank 0 and sent to all ranks, since processors that round differently could
otherwise compute different ones.
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

_torchrun: Group | None = None  # the group in which `run_under_torchrun` runs the program


class RankedWorker:
    """The `Worker` of each rank; all ranks call each of its methods, which rank 0 announces to the others.

    Parameters
    ----------
    task : Task, whose members are distributed over the ranks in turn
    X : float32 array, CSR matrix or StreamedMatrix [n, d] on rank 0; None on the other ranks
    device : "cpu", "cuda" (the ranks of a machine get its GPUs in turn), or a GPU such as "cuda:1"
    n_threads : int or None, number of CPU threads while a rank computes; None: unchanged
    """

    def __init__(
        self,
        group: Group,
        task: Task,
        X: Matrix | None,
        device: str,
        n_threads: int | None,
    ) -> None:
        group.broadcast_call("begin", task, device, n_threads)
        self._group, self._n_threads = group, n_threads
        self.members = task.members[group.rank :: group.size]
        data = shared_matrix(X, group)

        def begin() -> None:
            if task.checkpoint is not None and not task.checkpoint.names("run"):
                raise InputError(
                    f"Rank {group.rank} does not find the checkpoint in {task.checkpoint.folder}: give "
                    "output_dir, or checkpoint_dir in Python, a folder that all nodes share"
                )
            self._worker = Worker(self.members, task, data, group.device_of_rank(torch.device(device)))

        group.run_on_all_ranks(begin)

    def train(
        self,
        epochs: range,
        pseudo: PseudoLabels | None,
        on_step: Callable[[StepDone], None],
        phase: int | None,
    ) -> MemberLosses:
        """Run `Worker.train` on all ranks; ``on_step`` is called for the steps of this rank."""
        self._group.broadcast_call("train", epochs.start, epochs.stop, pseudo, phase)

        def notify(step: StepDone) -> None:
            self._group.check_other_ranks()
            on_step(step)

        with threads(self._n_threads):
            parts = self._group.run_on_all_ranks(lambda: self._worker.train(epochs, pseudo, notify, phase))
        names = dict.fromkeys(name for part in parts for name in part)
        return {name: {m: v for part in parts for m, v in part.get(name, {}).items()} for name in names}

    def save(self, phase: int) -> None:
        """Run `Worker.save` on all ranks."""
        self._group.broadcast_call("save", phase)
        self._group.run_on_all_ranks(lambda: self._worker.save(phase))

    def predict_proba(self, start: int, stop: int) -> dict[int, Tensor]:
        """Run `Worker.predict_proba` on all ranks, and return the outputs of all members."""
        self._group.broadcast_call("predict_proba", start, stop)
        with threads(self._n_threads):
            parts = self._group.run_on_all_ranks(lambda: self._worker.predict_proba(start, stop))
        return {member: proba for part in parts for member, proba in part.items()}

    def weights(self, member: int) -> dict[str, Tensor]:
        """Return `Worker.weights` from the rank that has the member."""
        self._group.broadcast_call("weights", member)
        parts = self._group.run_on_all_ranks(lambda: self._worker.weights(member))
        return next(part for part in parts if part is not None)

    def close(self) -> None:
        """Release all resources; ranks that were started for this task end."""
        self._worker.close()
        if self._group.is_local:
            self._group.close()
        elif self._group.in_step:
            self._group.broadcast_call("close")


def begin(task: Task, X: Matrix, devices: Sequence[torch.device]) -> RankedWorker:
    """Begin a task on ranks of this machine, one per device, or on the ranks that ``torchrun`` has started.

    At most one rank per member is used on this machine. Under ``torchrun`` only the kind of the devices
    matters. Apart from rounding, the result for a seed does not depend on the ranks.

    Raises
    ------
    InputError
        If a base model cannot be sent to other processes, or one of these has ended.
    """
    n_ranks = min(len(devices), len(task.members))
    device = str(devices[0] if n_ranks == 1 else devices[0].type)
    if _torchrun is not None:
        return RankedWorker(_torchrun, task, X, device, None)
    if n_ranks == 1:
        return RankedWorker(Group(), task, X, device, None)
    message_bytes(task)  # a task that cannot be sent raises before any rank starts
    n_threads = max(1, torch.get_num_threads() // n_ranks)
    group = start(n_ranks, n_threads, "kingdra_repro.training.ranks:follow")
    try:
        return RankedWorker(group, task, X, device, n_threads)
    except BaseException:
        group.close()
        raise


def follow(group: Group) -> None:
    """Run the operations that rank 0 announces, until it sends None or has ended."""
    workers: list[RankedWorker] = []  # a stack: within a task a method may begin another
    while True:
        try:
            call = group.broadcast()
        except RankLost:
            raise SystemExit(1) from None  # rank 0 reports it
        except InputError as error:  # an undecodable message: rank 0 refers to this line
            raise SystemExit(str(error)) from error
        if call is None:
            return
        method, arguments = call
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
            # Otherwise rank 0 has received the error and raises it.


def run_under_torchrun(program: Callable[[], None]) -> None:
    """Run a program on rank 0 of the ranks that ``torchrun`` has started; the other ranks `follow`.

    The process exits with status 2 if the ranks cannot reach one another, or if the package version or the
    command-line arguments of a rank differ from rank 0's; only the arguments of rank 0 would be used.
    """
    global _torchrun
    try:
        group = join_torchrun()
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    given = group.run_on_all_ranks(lambda: [f"kingdra-run-{package_version()}", *sys.argv[1:]])
    if (rank := next((i for i, one in enumerate(given) if one != given[0]), None)) is not None:
        if group.rank == 0:
            own, others = (shlex.join(given[i]) for i in (0, rank))
            line = f"Rank {rank} is {others!r}, rank 0 {own!r}: start the same on each"
            print(line, file=sys.stderr)
        sys.exit(2)
    if group.rank > 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's handler would wait for gloo
        follow(group)
        return
    _torchrun = group
    try:
        program()
    except SystemExit as ended:
        if not ended.code and group.in_step:
            group.broadcast(None)
        raise
