"""The members of an ensemble dealt out to ranks, which train theirs at the same time.

All ranks do the same in the same order: train a phase, save, compute outputs; after each of these, all know
what the others came to. Rank 0 runs the method and says what is next; the others `follow`. Pseudo-labels are made
once, by rank 0, and told to all: processors that round differently cannot come to different ones.
"""

import contextlib
import importlib
import pickle
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from kingdra_repro.bases import Base
from kingdra_repro.data.links import Closure, Links
from kingdra_repro.errors import InputError
from kingdra_repro.training.checkpoint import Checkpoint, plain
from kingdra_repro.training.group import Group, RankLost, join_torchrun, message_bytes, message_of, start
from kingdra_repro.training.options import TrainingOptions
from kingdra_repro.training.shared_matrix import shared_matrix
from kingdra_repro.training.stack import PseudoLabels, StepDone
from kingdra_repro.training.worker import Member, MemberLosses, Worker


class RankedWorker:
    """What a `Worker` is, over all ranks of a group: each method is called on every one of them.

    Parameters
    ----------
    group : Group
    threads : int, of the CPU, while a rank trains
    dealt : the members of each rank
    X : the data on rank 0; None on the others
    n_clusters, options, seed, device, checkpoint, phase_done, links : as for `Worker`; device is that of all
        ranks, of several GPUs each takes its own
    """

    def __init__(
        self,
        group: Group,
        threads: int,
        dealt: Sequence[Sequence[Member]],
        X: np.ndarray | sp.csr_matrix | None,
        n_clusters: int,
        options: TrainingOptions,
        *,
        seed: int,
        device: torch.device,
        checkpoint: Checkpoint | None,
        phase_done: int = -1,
        links: Closure | None = None,
    ) -> None:
        self.group, self.members = group, dealt[group.rank]
        self._threads = threads
        self._rank_of = {member.number: rank for rank, share in enumerate(dealt) for member in share}
        data = shared_matrix(X, group)

        def begin() -> None:
            self._worker = Worker(
                self.members,
                data,
                n_clusters,
                options,
                seed=seed,
                device=group.own(device),
                checkpoint=checkpoint,
                phase_done=phase_done,
                links=links,
            )

        group.together(begin)

    def train(
        self,
        epochs: range,
        pseudo: PseudoLabels | None,
        on_step: Callable[[StepDone], None],
        phase: int | None,
    ) -> MemberLosses:
        """`Worker.train` on all ranks; ``on_step`` is called for the steps of this one."""
        labels = None if pseudo is None else (_tensor(pseudo.labels), _tensor(pseudo.outputs))
        self.group.tell("train", (epochs.start, epochs.stop), labels, phase)

        def notify(step: StepDone) -> None:
            self.group.check()
            on_step(step)

        losses: MemberLosses = {}
        with _threads(self._threads):
            for part in self.group.together(lambda: self._worker.train(epochs, pseudo, notify, phase)):
                for name, values in part.items():
                    losses.setdefault(name, {}).update(values)
        return losses

    def save(self, phase: int) -> None:
        """`Worker.save` on all ranks."""
        self.group.tell("save", phase)
        self.group.together(lambda: self._worker.save(phase))

    def predict_proba(self) -> dict[int, Tensor]:
        """Compute the outputs of each member for the data trained on: float32 Tensors [n, k] on the CPU."""
        self.group.tell("predict_proba")
        with _threads(self._threads):
            parts = self.group.together(self._worker.predict_proba)
        return {member: proba for part in parts for member, proba in part.items()}

    def weights(self, member: int) -> dict[str, Tensor]:
        """Return the weights and moments of a member, on the CPU."""
        self.group.tell("weights", member)
        return self.group.broadcast(self._worker.weights(member), self._rank_of[member])

    def close(self) -> None:
        """Let go of everything, and end the ranks that were started for it."""
        self._worker.close()
        if self.group.here:
            self.group.close()
        elif self.group.in_step:
            self.group.tell("close")


_torchrun: Group | None = None  # of the program that `run_under_torchrun` runs


def n_torchrun() -> int:
    """Return how many ranks ``torchrun`` has started; 0 where it has not started this program."""
    return 0 if _torchrun is None else _torchrun.size


def run_under_torchrun(program: Callable[[], None]) -> None:
    """Run a program on rank 0 of those that ``torchrun`` has started; the others follow what it trains."""
    global _torchrun
    group = join_torchrun()
    if group.rank > 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # torchrun's, which need not wait for gloo
        follow(group)
        return
    _torchrun = group
    try:
        program()
    except SystemExit as ended:
        if not ended.code and group.in_step:
            group.broadcast(None)
        raise


def begin(
    n_ranks: int,
    members: Sequence[Member],
    X: np.ndarray | sp.csr_matrix,
    n_clusters: int,
    options: TrainingOptions,
    *,
    seed: int,
    device: torch.device,
    checkpoint: Checkpoint | None,
    phase_done: int,
    links: Closure | None,
) -> RankedWorker:
    """Begin to train an ensemble on all ranks, which are started unless ``torchrun`` has; called on rank 0.

    Parameters
    ----------
    n_ranks : int
    members : of all ranks; they are dealt out by turns
    X, n_clusters, options, seed, device, checkpoint, phase_done, links : as for `RankedWorker`

    Raises
    ------
    InputError
        Where a base model cannot go to other processes, or one of these ends.
    """
    kinds: list[Base] = []
    radii: list[Tensor | None] = []
    for member in members:
        if member.base not in kinds:
            kinds.append(member.base)
            radii.append(None if member.radii is None else _tensor(member.radii))
    described = described_bases(kinds)
    threads = torch.get_num_threads()
    if _torchrun is None:
        threads = max(1, threads // n_ranks)
    group = _torchrun or start(n_ranks, threads, "kingdra_repro.training.ranks:follow")
    dealt = [members[rank::n_ranks] for rank in range(n_ranks)]
    try:
        group.tell(
            "begin",
            {
                "threads": threads,
                "kinds": described,
                "radii": radii,
                "dealt": [[(member.number, kinds.index(member.base)) for member in share] for share in dealt],
                "n_clusters": n_clusters,
                "options": plain(asdict(options)),
                "seed": seed,
                "device": device.type,
                "checkpoint": None
                if checkpoint is None
                else (str(checkpoint.folder.absolute()), checkpoint.run),
                "phase_done": phase_done,
                "links": None if links is None else _sent_links(links),
            },
        )
        group.together(lambda: None)  # the others have understood
        return RankedWorker(
            group,
            threads,
            dealt,
            X,
            n_clusters,
            options,
            seed=seed,
            device=torch.device(device.type),
            checkpoint=checkpoint,
            phase_done=phase_done,
            links=links,
        )
    except BaseException:
        if group.here:
            group.close()
        raise


def follow(group: Group) -> None:
    """Do what rank 0 says, until it says no more, or is there no longer."""
    workers: list[RankedWorker] = []  # a method may train other members meanwhile
    while True:
        try:
            if (told := group.told()) is None:
                return
            method, arguments = told
            if method == "begin":
                workers.append(_begun(group, *arguments))
            elif method == "train":
                (start, stop), labels, phase = arguments
                pseudo = None if labels is None else PseudoLabels(*(value.numpy() for value in labels))
                workers[-1].train(range(start, stop), pseudo, _ignore, phase)
            elif method == "close":
                workers.pop().close()
            else:
                getattr(workers[-1], method)(*arguments)
        except RankLost:
            raise SystemExit(1) from None  # rank 0 says so
        except Exception:  # rank 0 knows, and raises it
            continue


def _begun(group: Group, told: dict[str, Any]) -> RankedWorker:
    """Begin, on a rank that follows, what `begin` has told."""
    understood: list[dict[str, Any]] = []
    group.together(lambda: understood.append(_understood(told, group.rank)))
    return RankedWorker(group, **understood[0])


def _understood(told: dict[str, Any], rank: int) -> dict[str, Any]:
    """Return the parameters of a `RankedWorker`."""
    kinds = [_described_base(*kind) for kind in told["kinds"]]
    radii = [None if values is None else values.numpy() for values in told["radii"]]
    place = told["checkpoint"]
    if place is not None and not (Path(place[0]) / "run.pt").exists():
        raise InputError(
            f"Rank {rank} does not find the run's checkpoint in {place[0]}: give output_dir, or checkpoint_dir in "
            "Python, a folder that all nodes share"
        )
    return {
        **{name: told[name] for name in ("threads", "n_clusters", "seed", "phase_done")},
        "dealt": [
            [Member(number, kinds[kind], radii[kind]) for number, kind in share] for share in told["dealt"]
        ],
        "X": None,
        "options": TrainingOptions(**told["options"]),
        "device": torch.device(told["device"]),
        "checkpoint": None if place is None else Checkpoint(Path(place[0]), place[1]),
        "links": None if told["links"] is None else _received_links(told["links"]),
    }


def described_bases(bases: Sequence[Base]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return module, class and attributes of base models, from which another process makes them.

    Raises
    ------
    InputError
        Where it cannot: a class of the script itself or of a function, an attribute that is no plain value.
    """
    described = []
    for base in bases:
        kind = type(base)
        one = (kind.__module__, kind.__qualname__, plain(vars(base)))
        if kind.__module__ == "__main__" or "<locals>" in kind.__qualname__:
            raise _not_importable(kind.__qualname__, f"it is defined in {kind.__module__}, or in a function")
        try:
            message_of(message_bytes(one))
        except (pickle.PicklingError, pickle.UnpicklingError, AttributeError, TypeError) as error:
            raise InputError(
                f"The base model {kind.__qualname__} cannot be sent to other processes, since an attribute "
                "is no plain value: store numbers, texts and lists of these, or use n_jobs=1"
            ) from error
        described.append(one)
    return described


def _described_base(module: str, name: str, attributes: dict[str, Any]) -> Base:
    try:
        kind: Any = importlib.import_module(module)
        for part in name.split("."):
            kind = getattr(kind, part)
    except (ImportError, AttributeError) as error:
        raise _not_importable(name, str(error)) from error
    if not (isinstance(kind, type) and hasattr(kind, "losses")):
        raise InputError(f"{module}.{name} is no base model")
    base = kind.__new__(kind)
    vars(base).update(attributes)
    return base


def _not_importable(name: str, why: str) -> InputError:
    return InputError(
        f"The other processes cannot import the base model {name} ({why}): write its class at the top level of "
        "a module beside the script, not in the script itself, or use n_jobs=1"
    )


def _sent_links(closed: Closure) -> list[list[Tensor]]:
    own = [closed.group, closed.apart]
    parts = (own, vars(closed.doubtful).values(), vars(closed.links).values())
    return [[_tensor(array) for array in part] for part in parts]


def _received_links(sent: list[list[Tensor]]) -> Closure:
    own, doubtful, links = ([tensor.numpy() for tensor in part] for part in sent)
    return Closure(*own, Links(*doubtful), Links(*links))


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


def _ignore(step: StepDone) -> None:
    pass


@contextlib.contextmanager
def _threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    if before == number:  # to set them again would cost OpenMP's threads
        yield
        return
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
