"""Which code and which devices produced a result."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from kingdra_repro import provenance
from kingdra_repro.devices import choose_devices
from kingdra_repro.errors import InputError
from kingdra_repro.provenance import code_since, commit, commits, device_name
from kingdra_repro.training.group import Group


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with provenance.py, a config and a result; `commit` takes it for the package's own."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    package = tmp_path / "src" / "kingdra_repro"
    for path in (package, tmp_path / "configs", tmp_path / "results"):
        path.mkdir(parents=True)
    for name in ("provenance", "errors"):
        shutil.copy(Path(provenance.__file__).parent / f"{name}.py", package)
    (tmp_path / "configs" / "config.yaml").write_text("seed: 0\n")
    (tmp_path / "results" / "runs.csv").write_text("acc\n")
    who = ("-c", "user.name=n", "-c", "user.email=e")
    for command in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "all")):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    monkeypatch.setattr(provenance, "__file__", str(package / "provenance.py"))
    return tmp_path


def test_results_are_no_part_of_the_code(clone: Path) -> None:
    """`make reproduce-all` writes to results/ after each run; the next run still has the same code."""
    (clone / "results" / "runs.csv").write_text("acc\n0.9\n")
    assert re.fullmatch("[0-9a-f]{40}", commit() or "")


@pytest.mark.parametrize("given", ["a" * 40, "b" * 40 + "-dirty"])
def test_a_copy_without_a_repository_has_the_commit_that_it_is_given(
    clone: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("KINGDRA_COMMIT", given)
    assert commit() != given
    shutil.rmtree(clone / ".git")
    assert commit() == given


def test_a_given_commit_that_is_none(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results with such a commit could not be merged."""
    shutil.rmtree(clone / ".git")
    monkeypatch.setenv("KINGDRA_COMMIT", "main")
    with pytest.raises(InputError, match="KINGDRA_COMMIT must be a commit; got 'main': give what `git rev"):
        commit()


@pytest.mark.parametrize("changed", ["configs/config.yaml", "src/kingdra_repro/errors.py"])
def test_changed_code_is_reported(clone: Path, changed: str) -> None:
    with (clone / changed).open("a") as file:
        file.write("# more\n")
    assert (commit() or "").endswith("-dirty")


@pytest.mark.parametrize("new", ["configs/mine.yaml", "src/kingdra_repro/mine.py"])
def test_new_code_is_reported(clone: Path, new: str) -> None:
    """A user's own base is a new file and a new config; the commit alone does not describe runs with it."""
    (clone / new).write_text("")
    assert (commit() or "").endswith("-dirty")


def test_gpus_that_had_no_model_are_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H100")
    assert device_name("auto", -1, 10) == "cuda (4 NVIDIA H100)"
    assert device_name("auto", -1, 2) == "cuda (2 NVIDIA H100)"
    assert device_name("auto", None, 10) == "cuda (NVIDIA H100)"
    assert device_name("cpu", -1, 10).startswith("cpu (")


@pytest.mark.parametrize(
    ("name", "n_jobs", "expected"),
    [
        ("auto", 2, ["cuda:0", "cuda:1"]),
        ("cuda", -1, [f"cuda:{i}" for i in range(4)]),
        ("cuda:2", -1, ["cuda:2"]),
    ],
)
def test_gpus_that_are_used(name, n_jobs, expected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert [str(device) for device in choose_devices(name, n_jobs)] == expected


def test_ranks_of_unequal_nodes_have_their_own_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rank 0, whose node has one GPU, broadcasts "cuda"; other ranks choose a GPU by their local rank."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    (told,) = choose_devices("auto", -1)
    other = Group()
    other.rank, other.size, other.is_local = 5, 6, False
    monkeypatch.setenv("LOCAL_RANK", "2")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert other.device_of_rank(told) == torch.device("cuda", 2)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(InputError, match="rank 5 has no GPU, and rank 0 has: give device=cpu to all"):
        other.device_of_rank(told)


def test_a_run_that_is_gone_on_with_by_other_code_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for now in ("a" * 40, "a" * 40, "b" * 40 + "-dirty", None):
        monkeypatch.setattr(provenance, "commit", lambda now=now: now)
        told.append(commits(tmp_path / "commits"))
    assert told[0] == told[1] == "a" * 40
    assert told[2] == "a" * 40 + "+" + "b" * 40 + "-dirty"
    assert told[3] == f"{told[2]}+unknown"
    monkeypatch.setattr(provenance, "commit", lambda: "a" * 40)
    assert commits(tmp_path / "commits") == f"{told[3]}+{'a' * 40}"  # an earlier commit is listed again


def test_an_installed_wheel_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "commit", lambda: None)
    assert commits(tmp_path / "commits") is None
    assert commits(tmp_path / "commits") is None


def test_a_finished_run_of_other_code_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who edits a base and runs it again must not take the old result for a new one."""
    monkeypatch.syspath_prepend(tmp_path)
    mine = tmp_path / "module_of_mine.py"
    mine.write_text("class Mine: ...")
    os.utime(mine, (10**9, 10**9))
    monkeypatch.setattr(provenance, "commit", lambda: "b" * 40)
    result = {"finished": "2026-11-21T19:56:14+00:00", "commit": "a" * 40 + "+" + "b" * 40}
    targets = ["kingdra_repro.methods.Kingdra", "module_of_mine.Mine"]
    assert code_since(result, targets) == ""
    assert code_since({**result, "commit": None}, targets) == ""
    assert code_since({**result, "commit": "a" * 40}, targets) == "its code was aaaaaaa, this is bbbbbbb"
    assert code_since(result, ["module_of_mine.Mine.load"]) == ""  # a method of a class
    os.utime(mine)
    for target in ("module_of_mine.Mine", "module_of_mine.Mine.load"):
        assert code_since(result, [target]) == f"{mine} was changed after it"
