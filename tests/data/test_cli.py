"""The program kingdra-data."""

import sys
from pathlib import Path

import numpy as np
import pytest

from kingdra_repro.data.catalog import CATALOG
from kingdra_repro.data.download.registry import registry
from kingdra_repro.errors import InputError
from kingdra_repro.programs import data as cli
from kingdra_repro.programs.data import run

from .small_files import remote, tar_bytes

NEWS = "20news/20news-bydate.tar.gz"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror of a small 20 Newsgroups, whose shape is not the expected one."""
    messages = {
        f"20news-bydate-train/group.{i % 20}/{i}": f"From: x\n\nword{i} shared".encode() for i in range(40)
    }
    file = tmp_path / "mirror" / NEWS
    file.parent.mkdir(parents=True)
    file.write_bytes(tar_bytes(messages))
    monkeypatch.setitem(registry(), NEWS, remote(NEWS, file.read_bytes()))
    return tmp_path / "mirror"


def test_list_names_all(capsys: pytest.CaptureFixture) -> None:
    assert run(["list"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in CATALOG)
    assert "70,000" in printed


def test_a_path_in_brackets_is_no_markup(mirror: Path, capsys: pytest.CaptureFixture) -> None:
    named = mirror.rename(mirror.with_name("the [old] mirror"))
    assert run(["list", f"mirror='{named}'"]) == 0
    printed = capsys.readouterr().out.replace("│", "").split()
    assert "[old]" in "".join(printed)


def test_help(capsys: pytest.CaptureFixture) -> None:
    assert run([]) == run(["--help"]) == 0
    assert "kingdra-data prepare dataset=cifar10" in capsys.readouterr().out


def test_prepare_once(mirror: Path, capsys: pytest.CaptureFixture) -> None:
    arguments = ["prepare", "dataset=newsgroups", f"mirror={mirror}"]
    assert run(arguments) == 0
    assert "newsgroups: 40 x 41, 20 clusters; prepared in" in capsys.readouterr().out
    assert run(arguments) == 0
    assert "nothing to prepare" in capsys.readouterr().out


def test_prepare_with_other_settings(mirror: Path, capsys: pytest.CaptureFixture) -> None:
    """A data set prepared with other settings counts as not prepared; only `check` by its name raises."""
    arguments = ["prepare", "dataset=newsgroups", f"mirror={mirror}"]
    for n_words in (20, 30):
        assert run([*arguments, f"dataset.n_words={n_words}"]) == 0
        assert "prepared in" in capsys.readouterr().out
    with pytest.raises(InputError, match="newsgroups is not prepared with these settings"):
        run(["check", "dataset=newsgroups"])
    assert run(["check"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "newsgroups │ │ │ not prepared with these settings" in printed


def test_check(mirror: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(["check", "dataset=digits"]) == 0
    with pytest.raises(InputError, match="newsgroups is not prepared with these settings: kingdra-data pr"):
        run(["check", "dataset=newsgroups", f"mirror={mirror}"])
    run(["prepare", "dataset=newsgroups", f"mirror={mirror}"])
    capsys.readouterr()
    assert run(["check", "dataset=newsgroups"]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "WRONG" in printed
    assert "40 x 41; expected 18846 x 2000" in printed


def test_check_finds_a_changed_file(
    mirror: Path, own_data_folder: Path, capsys: pytest.CaptureFixture
) -> None:
    run(["prepare", "dataset=newsgroups", f"mirror={mirror}"])
    (labels,) = own_data_folder.glob("20news/*/train_Y.npy")
    np.save(labels, np.zeros(40, np.int64))
    capsys.readouterr()
    assert run(["check"]) == 1
    printed = "".join(capsys.readouterr().out.split())
    assert "train_Y.npy:wrongcontent:sha256expected" in printed.replace("│", "")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["prepare"], "dataset=NAME is missing: choose from"),
        (["lst"], "unknown command lst: choose from list, prepare, check"),
        (["prepare", "dataset=mnits"], "did you mean mnist"),
        (
            ["prepare", "dataset=digits", "n_clusters=1"],
            "n_clusters must be an integer from 2 to 1797; got 1",
        ),
        (["check", "dataset=custom"], "custom"),
        (["prepare", "dataset=digits", "+dataset.foo=1"], "dataset.foo is not a setting"),
        (
            ["prepare", "dataset=digits", "dataset.resize=224"],
            "dataset.resize is not a setting of this dataset: leave it out, or choose another dataset=NAME",
        ),
        (
            ["prepare", "dataset=stl", "dataset.resize=96,224"],
            "dataset.resize=96,224 is several values: write",
        ),
    ],
)
def test_mistakes_in_one_line(
    arguments: list[str], reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(sys, "argv", ["kingdra-data", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith("kingdra-data: ")
    assert reason in printed
    assert printed.count("\n") == 1
