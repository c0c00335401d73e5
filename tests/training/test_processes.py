"""Several processes train what one does, and nothing is lost when one of them ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.datasets import make_blobs

from kingdra_repro import Kingdra
from kingdra_repro.bases import LadderDot, LadderIM
from kingdra_repro.devices import choose_devices
from kingdra_repro.errors import InputError
from kingdra_repro.python_process import python_command
from kingdra_repro.training.shared_matrix import write_matrix

BASES = [LadderIM(hidden=(16,), denoising_costs=(10.0, 1.0, 0.1)), LadderDot(hidden=(24, 16))]


@pytest.fixture(scope="module")
def X() -> np.ndarray:
    X, _ = make_blobs(300, n_features=8, centers=4, cluster_std=0.7, random_state=0)
    return ((X - X.min(0)) / (X.max(0) - X.min(0))).astype(np.float32)


class Unpicklable(Exception):
    def __init__(self, one, other):
        super().__init__(f"{one} {other}")


RAISED = {
    "value": (lambda: ValueError("on purpose"), ValueError),
    "permission": (
        lambda: PermissionError("on purpose"),
        PermissionError,
    ),  # an OSError, as a dead process is
    "unpicklable": (lambda: Unpicklable("on", "purpose"), RuntimeError),
}


@dataclass(frozen=True)
class Broken(LadderIM):
    kind: str = "value"

    def build(self, *arguments):
        raise RAISED[self.kind][0]()


def kingdra(**settings) -> Kingdra:
    defaults = {"n_models": 5, "n_iter": 2, "first_epochs": 4, "epochs": 2, "batch_size": 32}
    return Kingdra(4, base=BASES, **{"random_state": 0, "device": "cpu", **defaults, **settings})


def test_two_processes_train_what_one_does(X: np.ndarray) -> None:
    """A mixed ensemble of five, dealt out to two; twice, for the bits."""
    alone = kingdra().fit(X)
    first, second = (kingdra(n_jobs=2).fit(X) for _ in range(2))
    np.testing.assert_allclose(first.predict_proba(X), alone.predict_proba(X), atol=1e-3)
    np.testing.assert_allclose(first.history_["loss"], alone.history_["loss"], rtol=1e-4)
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    np.testing.assert_array_equal(first.predict(X), first.labels_)


class Interrupt:
    """Ends one worker process in the midst of training."""

    done = False

    def progress(self, event) -> None:
        if event.iteration == 1 and not self.done:
            self.done = True
            os.kill(int(_children(os.getpid())[0]), signal.SIGKILL)

    def iteration(self, it) -> None:
        pass


def test_a_killed_process_is_reported_and_the_run_resumed(X: np.ndarray, tmp_path: Path) -> None:
    straight = kingdra(n_jobs=2).fit(X)
    with pytest.raises(InputError, match="run again to resume"):
        kingdra(n_jobs=2, checkpoint_dir=tmp_path, monitor=Interrupt()).fit(X)
    resumed = kingdra(n_jobs=2, checkpoint_dir=tmp_path).fit(X)
    np.testing.assert_array_equal(resumed.predict_proba(X), straight.predict_proba(X))


def test_a_run_goes_on_with_other_processes_than_it_began_with(X: np.ndarray, tmp_path: Path) -> None:
    kingdra(n_jobs=2, checkpoint_dir=tmp_path, n_iter=1).fit(X)
    longer = kingdra(n_jobs=None, checkpoint_dir=tmp_path).fit(X)
    assert len(longer.history_) == 3
    np.testing.assert_allclose(longer.predict_proba(X), kingdra().fit(X).predict_proba(X), atol=1e-3)


def test_sparse_data_reaches_the_processes(X: np.ndarray) -> None:
    thin = np.where(X > 0.5, X, 0)
    here, there = kingdra(n_iter=0).fit(thin), kingdra(n_iter=0, n_jobs=2).fit(sp.csr_matrix(thin))
    np.testing.assert_allclose(here.predict_proba(thin), there.predict_proba(thin), atol=1e-3)


def test_processes_end_with_the_one_that_began_them(tmp_path: Path) -> None:
    script = "import numpy as np; from kingdra_repro import Kingdra; X = np.random.rand(500, 4).astype('f')\n"
    script += "Kingdra(2, n_models=2, first_epochs=100_000, n_jobs=2, device='cpu').fit(X)"
    first = subprocess.Popen([sys.executable, "-c", script])
    until = time.monotonic() + 120
    while len(workers := _children(first.pid)) < 2:
        assert first.poll() is None
        assert time.monotonic() < until
        time.sleep(0.1)
    first.kill()
    first.wait()
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_process_ends_in_the_midst_of_its_work_where_the_first_has() -> None:
    ours, theirs = socket.socketpair()
    code = "from kingdra_repro.python_process import end_with; import time\n"
    code += f"end_with({theirs.fileno()}); time.sleep(600)"
    process = subprocess.Popen(python_command(code), pass_fds=[theirs.fileno()])
    theirs.close()
    ours.close()
    assert process.wait(60) == 1


def _children(pid: int) -> list[str]:
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(pid)], text=True, capture_output=True
    )
    return [line.split()[0] for line in listed.stdout.splitlines() if "serve" in line]


@pytest.mark.parametrize("kind", RAISED)
def test_what_a_process_raises_is_raised_here(X: np.ndarray, kind: str) -> None:
    with pytest.raises(RAISED[kind][1], match="on purpose") as raised:
        Kingdra(4, base=Broken(kind=kind), n_models=2, n_jobs=2, device="cpu").fit(X)
    assert "in build" in raised.value.__notes__[0]


def test_a_script_without_a_main_guard_may_use_them(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import numpy as np\n"
        "from kingdra_repro import Kingdra\n"
        "X = np.random.default_rng(0).random((60, 4), dtype=np.float32)\n"
        "print(len(Kingdra(2, n_models=2, n_iter=0, first_epochs=1, n_jobs=2).fit_predict(X)))\n"
    )
    assert subprocess.check_output([sys.executable, str(script)], text=True) == "60\n"


def test_devices() -> None:
    cpu = torch.device("cpu")
    assert choose_devices("cpu") == [cpu]
    assert choose_devices("cpu", 3) == [cpu] * 3
    assert len(choose_devices("cpu", -1)) == len(os.sched_getaffinity(0))
    for wrong in (0, -2, 1.5, True):
        with pytest.raises(InputError, match="n_jobs"):
            choose_devices("cpu", wrong)  # type: ignore[arg-type]


def test_a_killed_run_leaves_no_copy_of_the_data(X: np.ndarray, tmp_path: Path) -> None:
    """The file has no name from the beginning."""
    thin = sp.csr_matrix(np.where(X > 0.5, X, 0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(tmp_path))
        for given in (X, thin, X[:, ::2], sp.csr_matrix(X.shape, dtype=np.float32)):
            file, shared = write_matrix(given)
            with file:
                found = shared.read()
                assert not list(tmp_path.iterdir())
            assert sp.issparse(found) == sp.issparse(given)
            np.testing.assert_array_equal(_dense(found), _dense(given))


def _dense(X: np.ndarray | sp.csr_matrix) -> np.ndarray:
    return X.toarray() if sp.issparse(X) else X


def test_files_that_lie_beside_the_script_are_not_imported(tmp_path: Path) -> None:
    """The script's own imports of them do not count: it is run from a notebook, say."""
    for name in ("random", "queue", "copy", "numbers", "torch/__init__"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").write_text("raise SystemExit('this was imported')")
    code = (
        "import sys; import numpy as np; from kingdra_repro import Kingdra\n"
        f"sys.path.insert(0, {str(tmp_path)!r}); sys.path.insert(0, '')\n"
        "X = np.random.default_rng(0).random((60, 4), dtype=np.float32)\n"
        "print(len(Kingdra(2, n_models=2, n_iter=0, first_epochs=1, n_jobs=2).fit_predict(X)))\n"
    )
    command = [sys.executable, "-P", "-c", code]
    assert subprocess.check_output(command, text=True, cwd=tmp_path) == "60\n"


def test_a_base_of_the_script_itself_is_refused_in_a_line(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import numpy as np\n"
        "from kingdra_repro import Kingdra\n"
        "from kingdra_repro.bases import RIM\n"
        "from kingdra_repro.errors import InputError\n"
        "class Mine(RIM): ...\n"
        "try:\n"
        "    Kingdra(2, base=Mine(), n_models=2, n_jobs=2).fit(np.eye(60, dtype='f'))\n"
        "except InputError as error:\n"
        "    print(error)\n"
    )
    said = subprocess.check_output([sys.executable, str(script)], text=True)
    assert said.startswith("The other processes cannot import a base model (Can't get attribute 'Mine'")
    assert said.endswith("or use n_jobs=1\n")
    assert said.count("\n") == 1


def test_a_base_of_a_class_within_a_function_is_refused_in_a_line(X: np.ndarray) -> None:
    class Mine(LadderIM): ...

    with pytest.raises(InputError, match="A base model cannot be sent to other processes"):
        Kingdra(4, base=Mine(), n_models=2, n_jobs=2, device="cpu").fit(X)
