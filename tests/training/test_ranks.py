"""Several ranks train the same models as one, and nothing is lost when one of them ends.

Most of these ranks are threads, which start quickly; processes are used only in tests about processes.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import torch
import torch.distributed as dist
from hydra.core.global_hydra import GlobalHydra
from sklearn.datasets import make_blobs
from torch import Tensor

from kingdra_repro import Kingdra, entry_points
from kingdra_repro.bases import LadderDot, LadderIM
from kingdra_repro.devices import choose_devices
from kingdra_repro.errors import InputError
from kingdra_repro.programs import run
from kingdra_repro.training import group as group_module
from kingdra_repro.training import ranks, shared_matrix, worker
from kingdra_repro.training.group import Group, join_torchrun
from kingdra_repro.training.messages import message_bytes, message_of
from kingdra_repro.training.stack import Stack

BASES = [LadderIM(hidden=(16,), denoising_costs=(10.0, 1.0, 0.1)), LadderDot(hidden=(24, 16))]


@pytest.fixture(scope="module")
def X() -> np.ndarray:
    X, _ = make_blobs(300, n_features=8, centers=4, cluster_std=0.7, random_state=0)
    return ((X - X.min(0)) / (X.max(0) - X.min(0))).astype(np.float32)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use threads as ranks, two per machine, so that with three or more ranks data are sent."""

    def start(size: int, n_threads: int, work: str) -> Group:
        store = dist.HashStore()

        def rank(number: int) -> None:
            group = Group(store, number, size)
            group.node = f"machine {number // 2}"
            with contextlib.suppress(SystemExit):
                ranks.follow(group)

        for number in range(1, size):
            threading.Thread(target=rank, args=(number,), daemon=True).start()
        group = Group(store, 0, size)
        group.node = "machine 0"
        return group

    monkeypatch.setattr(ranks, "start", start)
    monkeypatch.setattr(shared_matrix, "CHUNK", 1000)


def kingdra(**settings) -> Kingdra:
    defaults = {"base": BASES, "n_models": 5, "n_iter": 2, "first_epochs": 2, "epochs": 1, "batch_size": 32}
    return Kingdra(4, **{"random_state": 0, "device": "cpu", **defaults, **settings})


@pytest.mark.parametrize("alike", [True, False], ids=["stacks of one", "larger stacks"])
def test_any_number_of_ranks_trains_what_one_does(
    X: np.ndarray, threads: None, alike: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results are bitwise equal if stacks have the same size; a larger stack rounds differently."""
    if alike:
        monkeypatch.setattr(worker, "WEIGHTS_PER_CPU_STACK", 0)
    alone = kingdra().fit(X)
    for n_jobs in (2, 3, 4):
        dealt = kingdra(n_jobs=n_jobs).fit(X)
        np.testing.assert_array_equal(dealt.labels_, alone.labels_)
        np.testing.assert_array_equal(dealt.pseudo_labels_, alone.pseudo_labels_)
        found, expected = dealt.predict_proba(X), alone.predict_proba(X)
        np.testing.assert_allclose(found, expected, atol=0 if alike else 1e-5, rtol=0)
        np.testing.assert_allclose(dealt.history_["loss"], alone.history_["loss"], rtol=1e-6)


def test_a_run_goes_on_with_other_ranks_than_it_began_with(
    X: np.ndarray, threads: None, tmp_path: Path
) -> None:
    kingdra(n_jobs=3, checkpoint_dir=tmp_path, n_iter=1).fit(X)
    longer = kingdra(n_jobs=2, checkpoint_dir=tmp_path).fit(X)
    assert len(longer.history_) == 3
    np.testing.assert_allclose(longer.predict_proba(X), kingdra().fit(X).predict_proba(X), atol=1e-3)


def test_sparse_data_reach_the_ranks_and_no_file_is_left(
    X: np.ndarray, threads: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    seen = []

    class Look:
        def progress(self, event) -> None:
            seen.extend(tmp_path.iterdir())

        def iteration(self, it) -> None:
            pass

    thin = np.where(X > 0.5, X, 0)
    here = kingdra(n_iter=0).fit(thin)
    there = kingdra(n_iter=0, n_jobs=3, monitor=Look()).fit(sp.csr_matrix(thin))
    np.testing.assert_allclose(here.predict_proba(thin), there.predict_proba(thin), atol=1e-3)
    assert seen == []


RAISED = {
    "a value": (lambda: ValueError("on purpose"), RuntimeError, "ValueError: on purpose"),
    "memory": (lambda: MemoryError("on purpose"), MemoryError, "on purpose"),
    "a user's mistake": (lambda: InputError("on purpose", "base"), InputError, "on purpose"),
}


@dataclass(frozen=True)
class Broken(LadderIM):
    kind: str = "a value"

    def build(self, n_features, n_clusters, generators, precision):
        if threading.current_thread() is not threading.main_thread():
            raise RAISED[self.kind][0]()
        return super().build(n_features, n_clusters, generators, precision)


@pytest.mark.parametrize("kind", RAISED)
def test_what_another_rank_raises_is_raised_here(X: np.ndarray, threads: None, kind: str) -> None:
    _, expected, message = RAISED[kind]
    with pytest.raises(expected, match=message) as raised:
        Kingdra(4, base=Broken(kind=kind), n_models=2, n_jobs=2, device="cpu").fit(X)
    if kind == "a user's mistake":
        assert raised.value.parameter == "base"
    else:
        assert "in build" in raised.value.__notes__[0]


def test_what_another_rank_raises_while_it_gives_weights_is_raised_here(
    X: np.ndarray, threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    give = Stack.weights

    def weights(stack: Stack, member: int) -> dict[str, Tensor]:
        if threading.current_thread() is not threading.main_thread():
            raise MemoryError("on purpose")
        return give(stack, member)

    monkeypatch.setattr(Stack, "weights", weights)
    with pytest.raises(MemoryError, match="on purpose"):
        kingdra(n_jobs=2, n_iter=0).fit(X)


class FailsInTraining(LadderIM):
    def sample_noise(self, *arguments):
        if threading.current_thread() is not threading.main_thread():
            raise ValueError("on purpose")
        return super().sample_noise(*arguments)


class Fails:
    def progress(self, event) -> None:
        raise OSError("on purpose")

    def iteration(self, it) -> None:
        pass


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_fails_does_not_wait_for_the_others_to_end_a_phase(
    X: np.ndarray, threads: None, rank: int
) -> None:
    base = (LadderIM if rank == 0 else FailsInTraining)(hidden=(16,), denoising_costs=(10.0, 1.0, 0.1))
    began = time.monotonic()
    with pytest.raises((OSError, RuntimeError), match="on purpose"):
        kingdra(base=base, n_jobs=2, first_epochs=100_000, monitor=Fails() if rank == 0 else None).fit(X)
    assert time.monotonic() - began < 30


class Interrupt:
    """A monitor that kills another rank in the middle of training."""

    def progress(self, event) -> None:
        if event.iteration == 1:
            os.kill(_ranks_of(os.getpid())[0], signal.SIGKILL)

    def iteration(self, it) -> None:
        pass


def test_a_killed_rank_is_named_and_the_run_resumed_by_another_number(X: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"Rank 1 of 2 \(process \d+\) ended by signal 9 .*run again to resume"
    ):
        kingdra(n_jobs=2, checkpoint_dir=tmp_path, monitor=Interrupt()).fit(X)
    assert _ranks_of(os.getpid()) == []
    resumed, straight = kingdra(checkpoint_dir=tmp_path).fit(X), kingdra().fit(X)
    np.testing.assert_array_equal(resumed.labels_, straight.labels_)
    np.testing.assert_allclose(resumed.predict_proba(X), straight.predict_proba(X), atol=1e-5)


def test_ranks_end_with_the_process_that_began_them(tmp_path: Path) -> None:
    script = "import numpy as np; from kingdra_repro import Kingdra; X = np.random.rand(500, 4).astype('f')\n"
    script += "Kingdra(2, n_models=3, first_epochs=100_000, n_jobs=3, device='cpu').fit(X)"
    first = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "TMPDIR": str(tmp_path)})
    wait(lambda: len(_ranks_of(first.pid)) == 2 or first.poll() is not None)
    others = _ranks_of(first.pid)
    time.sleep(1)  # while they import, or later
    first.kill()
    first.wait()
    wait(lambda: not any(Path(f"/proc/{pid}").exists() for pid in others))
    assert len(others) == 2
    assert not list(tmp_path.iterdir())


class Stop:
    """A monitor that stops another rank, as debuggers and frozen containers do, and interrupts this one."""

    def progress(self, event) -> None:
        os.kill(_ranks_of(os.getpid())[0], signal.SIGSTOP)
        raise KeyboardInterrupt

    def iteration(self, it) -> None:
        pass


def test_a_stopped_rank_holds_nobody_up_that_is_interrupted(X: np.ndarray) -> None:
    with pytest.raises(KeyboardInterrupt):
        kingdra(n_jobs=2, monitor=Stop()).fit(X)
    assert _ranks_of(os.getpid()) == []


def wait(reached: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.1)


def _ranks_of(pid: int) -> list[int]:
    command = ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(pid)]
    listed = subprocess.run(command, text=True, capture_output=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "training.ranks" in line]


def test_a_script_without_a_main_guard_beside_files_of_libraries_names(tmp_path: Path) -> None:
    """The ranks must not import these files; the script imports its own modules first, as in a notebook."""
    for name in ("random", "queue", "copy", "numbers", "torch/__init__"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").write_text("raise SystemExit('this was imported')")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys; import numpy as np; from kingdra_repro import Kingdra\n"
        f"sys.path.insert(0, {str(tmp_path)!r}); sys.path.insert(0, '')\n"
        "X = np.random.default_rng(0).random((60, 4), dtype=np.float32)\n"
        "print(len(Kingdra(2, n_models=2, n_iter=0, first_epochs=1, n_jobs=2).fit_predict(X)))\n"
    )
    command = [sys.executable, "-P", str(script)]
    assert subprocess.check_output(command, text=True, cwd=tmp_path) == "60\n"


def test_torchrun_leaves_the_labels_of_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    tiny = ["dataset=digits", "ensemble.size=3", "base.hidden=[16,16]", "training.iterations=1"]
    tiny += ["training.first_epochs=2", "training.epochs=1", "report.map=none", "n_jobs=1"]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*launch, "-m", "kingdra_repro", *tiny, "output_dir=two"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("run folder:") == 1
    monkeypatch.setattr(sys, "argv", ["kingdra-run", *tiny, "output_dir=one"])
    with pytest.raises(SystemExit):
        run.main()
    GlobalHydra.instance().clear()
    one, two = (next(tmp_path.glob(f"{name}/*/*/*/labels.npy")) for name in ("one", "two"))
    np.testing.assert_array_equal(np.load(one), np.load(two))


def test_torchrun_refuses_nodes_with_other_arguments(tmp_path: Path) -> None:
    """The nodes may start the program in different ways."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--master-addr=127.0.0.1"]
    program = [["-m", "kingdra_repro"], ["--no-python", str(Path(sys.executable).with_name("kingdra-run"))]]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    nodes = [
        subprocess.Popen(
            [*launch, f"--master-port={port}", f"--node-rank={node}", *program[node], f"seed={node}"],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
        )
        for node in range(2)
    ]
    said = [node.communicate(timeout=120)[1] for node in nodes]
    assert [node.returncode for node in nodes] == [1, 1]
    assert re.search(r"Rank 1 is 'kingdra-run-\S+ seed=1', rank 0 'kingdra-run-\S+ seed=0': start", said[0])
    assert not list(tmp_path.iterdir())


def test_ranks_that_torchrun_starts_anew_meet_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store of torchrun still holds the addresses of the previous ranks."""
    store, number = dist.HashStore(), threading.local()
    monkeypatch.setattr(group_module, "CONNECTING", timedelta(seconds=5))
    monkeypatch.setattr(dist, "rendezvous", lambda url: iter([(store, number.rank, 2)]))

    def said(rank: int) -> int:
        number.rank = rank
        group = join_torchrun()
        heard = group.broadcast(7 if rank == 0 else None)
        group.close()
        return heard

    for _ in range(2):
        with ThreadPoolExecutor(2) as ranks_of_torchrun:
            assert list(ranks_of_torchrun.map(said, range(2))) == [7, 7]


def test_ranks_that_do_not_reach_one_another_say_so_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "RANK": "0",
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        entry_points.run()
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("The ranks do not reach one another (")
    assert "start them by torchrun" in line


def test_a_base_that_other_processes_cannot_make_is_refused_in_a_line(
    X: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mine(LadderIM): ...

    with pytest.raises(InputError, match=r"The other processes cannot import .*Mine .* or use n_jobs=1"):
        Kingdra(4, base=Mine(), n_models=2, n_jobs=2, device="cpu").fit(X)
    sent = message_bytes([Broken(), X])
    assert message_of(sent)[0] == Broken()
    monkeypatch.delattr(sys.modules[__name__], "Broken")
    with pytest.raises(InputError, match=r"cannot import Broken .* or use n_jobs=1"):
        message_of(sent)
    with pytest.raises(InputError, match="cannot be sent to other processes"):
        message_bytes({"loss": len})


def test_devices() -> None:
    cpu = torch.device("cpu")
    assert choose_devices("cpu") == [cpu]
    assert choose_devices("cpu", 3) == [cpu] * 3
    assert len(choose_devices("cpu", -1)) == len(os.sched_getaffinity(0))
    for wrong in (0, -2, 1.5, True):
        with pytest.raises(InputError, match="n_jobs"):
            choose_devices("cpu", wrong)  # type: ignore[arg-type]
