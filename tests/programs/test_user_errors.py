"""User errors: a one-line message with the value and the remedy, exit status 2, no traceback."""

import errno
import os
import pickle
import re
import subprocess

import numpy as np
import pytest
import torch
from hydra.core.override_parser.overrides_parser import OverridesParser

from kingdra_repro.config import all_settings
from kingdra_repro.errors import InputError
from kingdra_repro.programs.user_errors import user_message
from kingdra_repro.runs.folder import exclusive_run
from tests.programs.conftest import CUSTOM, TINY


def test_unknown_data_set(kingdra_run):
    line = kingdra_run("dataset=mnits").mistake
    assert re.fullmatch(r"unknown dataset=mnits: choose from .*digits.* \(did you mean mnist\?\)", line)


def test_a_file_in_place_of_a_data_set(kingdra_run):
    line = kingdra_run("dataset=../my/points.csv").mistake
    told = "a file of your own is dataset=custom dataset.path=../my/points.csv"
    assert line == f"unknown dataset=../my/points.csv: {told}"


@pytest.mark.parametrize("name", ["my points.csv", "o'brien,a=b.csv", "ünï.csv", "cost $5 (1).csv"])
def test_the_advice_for_a_file_in_place_of_a_data_set_works_for_its_name(kingdra_run, name):
    line = kingdra_run(f"dataset={name}").mistake
    shell = "printf '%s\\n' " + line.partition("a file of your own is ")[2]
    advice = subprocess.run(["sh", "-c", shell], capture_output=True, text=True).stdout.splitlines()
    read = OverridesParser.create().parse_overrides(advice)
    assert [(one.key_or_group, str(one.value())) for one in read] == [
        ("dataset", "custom"),
        ("dataset.path", name),
    ]


def test_unknown_choice_in_a_sweep_stops_it_before_anything_runs(kingdra_run, tmp_path):
    line = kingdra_run("-m", "method=single,kingdar", *TINY).mistake
    assert "unknown method=kingdar" in line
    assert not list(tmp_path.glob("**/result.json"))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("enseble.size=3", "ensemble.size"),
        ("datset=mnist", "dataset"),
        ("sed=1", "seed"),
        ("epochs=3", "training.epochs"),
        ("dataset.pth=x.csv", "dataset.path"),
        ("base.hiden=[3]", "base.hidden"),
    ],
)
def test_unknown_setting(kingdra_run, given, meant):
    line = kingdra_run(given).mistake
    name = given.split("=")[0]
    assert line.startswith(f"{name} is not a setting (did you mean {meant}?)")


def test_missing_file(kingdra_run):
    line = kingdra_run(*CUSTOM, "dataset.path=nowhere.npy", "n_clusters=3").mistake
    assert "nowhere.npy" in line


def test_nan_in_data(kingdra_run, features, tmp_path):
    features[7, 2] = np.nan
    np.save(tmp_path / "x.npy", features)
    line = kingdra_run(*CUSTOM, "n_clusters=3").mistake
    assert "nan" in line.lower()


def test_more_clusters_than_points(kingdra_run, features):
    line = kingdra_run(*CUSTOM, "n_clusters=61").mistake
    assert "61" in line
    assert "60" in line


def test_no_number_of_clusters(kingdra_run, features):
    assert "n_clusters" in kingdra_run(*CUSTOM).mistake


def test_labels_of_the_wrong_length(kingdra_run, features, tmp_path):
    np.save(tmp_path / "y.npy", np.zeros(59, np.int64))
    line = kingdra_run(*CUSTOM, "dataset.labels=y.npy", "n_clusters=3").mistake
    assert "59" in line
    assert "60" in line


def test_semi_supervised_learning_without_labels(kingdra_run, features):
    line = kingdra_run("method=semi_supervised", *CUSTOM, "n_clusters=3").mistake
    assert line.startswith("There are no classes to draw labels from in this data set: give labels with")


@pytest.mark.parametrize(
    ("method", "parameter", "setting"),
    [
        ("kingdra", "epochs", "training.epochs"),
        ("single", "epochs", "training.first_epochs"),
        ("dec", "epochs", "method.epochs"),
        ("kingdra", "t_pos", "pseudo_labels.t_pos"),
        ("kingdra", "noise_std", "base.noise_std"),
        ("kingdra", "anything", "anything"),
    ],
)
def test_a_parameter_has_the_name_of_the_setting_that_it_is_taken_from(method, parameter, setting):
    error = pickle.loads(pickle.dumps(InputError(f"{parameter} must be more", parameter)))  # as in a worker
    assert user_message(error, all_settings([f"method={method}"])) == f"{setting} must be more"


@pytest.mark.parametrize("folder", ["file/below", "file"])
def test_unwritable_folder(kingdra_run, tmp_path, folder):
    # A file, not a read-only folder: tests may run as root, which can write to read-only folders.
    (tmp_path / "file").write_text("")
    line = kingdra_run(f"output_dir={folder}", *TINY).mistake
    assert line.startswith("file")
    assert "output_dir=FOLDER" in line


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_where_there_is_none(kingdra_run):
    line = kingdra_run("device=cuda", *TINY).mistake
    assert line.startswith("device=cuda is not available on this machine")


def test_a_failing_job_leaves_the_others_alone(kingdra_run, features, tmp_path):
    outcome = kingdra_run(
        "-m", "method=ensemble,kingdra", "pseudo_labels.t_pos=null,-1", *CUSTOM, "n_clusters=3"
    )
    assert outcome.status == 2
    assert "Traceback" not in outcome.err
    # method=ensemble ignores the threshold, so its second job finds the result of the first.
    assert len(list(tmp_path.glob("outputs/**/result.json"))) == 2
    assert outcome.err.splitlines()[-1].startswith("kingdra-run: 1 of the sweep's jobs failed: #3 ")
    assert "pseudo_labels.t_pos=-1" in outcome.err.splitlines()[-1]


def test_a_defect_of_the_program_is_not_told_as_a_mistake(kingdra_run, monkeypatch):
    monkeypatch.setattr("kingdra_repro.programs.cluster.make_result", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        kingdra_run("method=single", *TINY)


GROUP_OF_SETTINGS = "A group of settings is chosen by a name"
QUOTES = "has characters that need quotes"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        # Settings that do not apply.
        (("settings/base=imsat_vat",), "settings/base=imsat_vat cannot be chosen, they follow from base and"),
        (("settings/base=nope",), "settings/base=nope cannot be chosen, they follow from base and dataset:"),
        (("settings=nope",), "settings=nope cannot be chosen, they follow from base and dataset: leave it"),
        (
            ("method=kmeans", "labels_fraction=0.5"),
            "labels_fraction=0.5 is for methods that learn from labels, not for method=kmeans: choose",
        ),
        (
            ("method=kmeans", "labels_per_class=3"),
            "labels_per_class=3 is for methods that learn from labels, not for method=kmeans: choose",
        ),
        (
            ("n_clusters=2..3", "method=kmeans", "--cfg", "job"),
            "--cfg shows the settings of one run: give one value of each, without -m",
        ),
        # Settings that results are stored under can be set by one name only.
        (("method=single", "method.base=linear_rim"), "method.base cannot be set directly: give base=VALUE"),
        (("method.random_state=7",), "method.random_state cannot be set directly: give seed=VALUE"),
        (
            ("method=kmeans", "method.random_state=null"),
            "method.random_state cannot be set directly: give seed=VALUE",
        ),
        (("method.pseudo_labels=kmeans",), "method.pseudo_labels cannot be set directly"),
        # Unknown settings.
        (("+foo=1",), "foo is not a setting"),
        (("+base.foo=1",), "base.foo is not a setting."),
        (("base=mixed", "+base.members.im.foo=1"), "base.foo is not a setting."),
        (("base.hiden=[3]",), "base.hiden is not a setting (did you mean base.hidden?). `kingdra-run --h"),
        (("training=3",), "training=3 is not valid: training is a group of settings. `kingdra-run --help` "),
        (("+dataset.foo=1",), "dataset.foo is not a setting of this dataset"),
        (
            ("method=kmeans", "++method.epochs=3"),
            "method.epochs is not a setting of this method: it has n_init",
        ),
        (
            ("dataset=custom", "dataset.path=x.csv", "dataset.text=t", "+dataset.words.foo=1"),
            "dataset.words.foo is not a setting: there are n_words, stop_words, row_length",
        ),
        # Values of the wrong type.
        (("ensemble.size=many",), "ensemble.size must be an integer; got many"),
        (("seed=1.5",), "seed must be an integer; got 1.5"),
        (("training.learning_rate=fast",), "training.learning_rate must be a number; got fast"),
        (("keep_checkpoint=perhaps",), "keep_checkpoint must be true or false; got perhaps"),
        (("base.mu=much",), "base.mu must be a number; got much"),
        (("base.noise_std=null",), "base.noise_std must be a number; got null"),
        (("base.hidden=5",), "base.hidden must be a list, such as base.hidden=[1,2]"),
        (("base.hidden=[a,b]",), "base.hidden[0] must be an integer; got a"),
        (("pseudo_labels.t_pos=all",), "pseudo_labels.t_pos must be an integer; got all"),
        (("base=mixed", "base.noise_std=loud"), "base.noise_std must be a number; got loud"),
        (("base=mixed", "base.hidden=5"), "base.hidden must be a list"),
        (("base=mixed", "base.members.im.w_mi=much"), "base.w_mi must be a number; got much"),
        (
            ("method=kingdra_plus", "method.first_base.radius_scale=wide"),
            "method.first_base.radius_scale must be a number; got wide",
        ),
        # Values that are not allowed.
        (("training.order=backwards",), "training.order must be one of "),
        (("training.precision=half",), "training.precision must be one of "),
        (("ensemble.mapping=x",), "ensemble.mapping must be one of "),
        (
            ("method=kingdra_plus", "method.first_base=imsat_vta"),
            "method.first_base must be one of ladder_im, ladder_dot, imsat_vat",
        ),
        (("method=kingdra_plus", "method.first_base.xi=-1"), "method.first_base.xi must be a finite number"),
        # Both bases have this setting, and one of them is right.
        (("method=kingdra_plus", "base=imsat_vat", "method.first_base.xi=-1"), "xi must be a finite number"),
        (("ensemble.size=0",), "ensemble.size must be an integer of at least 1; got 0"),
        (
            ("pseudo_labels.t_pos=-1", *TINY),
            "pseudo_labels.t_pos must be an integer of at least 1; got -1",
        ),
        (
            ("pseudo_labels.t_pos=3", *TINY),
            "pseudo_labels.t_pos must be at most the number of models, 2; got 3",
        ),
        (
            ("pseudo_labels.min_fraction=2", *TINY),
            "pseudo_labels.min_fraction must be a number from 0 to 1; got 2",
        ),
        (
            ("pseudo_labels=kmeans", "pseudo_labels.random_state=-3"),
            "pseudo_labels.random_state must be an integer from 0",
        ),
        (("base.noise_std=nan", *TINY), "base.noise_std must be a finite number of at least 0; got nan"),
        (("training.epochs=null",), "training.epochs must be an integer of at least 1, or auto; got None"),
        (("seed=null",), "seed must not be null: give it a value"),
        (("method=semi_supervised", "seed=-1"), "seed must be an integer of at least 0; got -1"),
        (
            ("method=kmeans", "seed=5000000000"),
            "seed must be an integer from 0 to 4294967295; got 5000000000",
        ),
        (
            ("method=dec", "method.hidden=[0]"),
            "method.hidden must be the widths of one layer or more, such as [1200, 1200]; got [0]",
        ),
        (("device=meta", *TINY), "device=meta is not available on this machine"),
        # Config groups and their contents.
        (("base=null",), GROUP_OF_SETTINGS),
        (("method=5",), GROUP_OF_SETTINGS),
        (("base=",), "unknown base=: choose from"),
        (("base=mixed", "base.members=null"), "base=mixed needs base.members: give one or more"),
        (("base=mixed", "~base.members"), "base=mixed needs base.members: give one or more"),
        # Labels.
        (
            ("base=ladder", *TINY),
            "base=ladder learns from labels and finds no clusters: give method=semi_supervised",
        ),
        (
            ("method=kingdra", "labels_fraction=5", *TINY),
            "labels_fraction must be a number above 0 and below 1; got 5",
        ),
        (
            ("method=semi_supervised", "labels_per_class=200", *TINY),
            "labels_per_class must be an integer from 1 to ",
        ),
        (
            ("method=semi_supervised", "labels_per_class=ten", *TINY),
            "labels_per_class must be an integer from 1 to 173, which leaves some points of",
        ),
        (
            ("method=semi_supervised", "labels_per_class=true", *TINY),
            "labels_per_class must be an integer from 1 to ",
        ),
        (
            ("method=semi_supervised", "n_clusters=12", *TINY),
            "n_clusters must be the number of classes, 10; got 12",
        ),
        # File names, and what Hydra cannot parse.
        (("seed",), "seed has no value: write seed=VALUE"),
        (("seed=[1",), "seed=[1 has characters that need quotes, or an open bracket"),
        (
            ("seed=0,1",),
            "seed=0,1 is several values: add -m for a run with each, write seed=[0,1] for a list, or quote "
            "it twice, such as \"seed='0,1'\"",
        ),
        (("output_dir=",), "output_dir must not be empty"),
        (("dataset=custom",), "dataset.path is missing: add dataset.path=VALUE"),
        (("dataset=custom", "dataset.path="), "dataset.path must not be empty"),
        (("dataset=custom", "dataset.path=a=b/x.csv"), f"dataset.path=a=b/x.csv {QUOTES}"),
        (("dataset=custom", "dataset.path=ünï.csv"), f"dataset.path=ünï.csv {QUOTES}"),
        (("dataset=custom", "dataset.path=a (1).csv"), f"dataset.path=a (1).csv {QUOTES}"),
        (("dataset=custom", "dataset.path=[a,b]"), "dataset.path must be a name; got ['a', 'b']"),
        (("dataset=custom", "dataset.path=2024"), "dataset.path=2024 does not exist"),
        (("dataset=mnist", "dataset.features=2024"), "dataset.features=2024: there is no train_X.npy"),
        (("dataset=cifar10", "dataset.images=5"), "dataset.images=5 does not exist"),
        (("dataset=cifar10", "dataset.images=[a]"), "dataset.images must be a name; got ['a']"),
        (("dataset=cifar10", "dataset.weights=no.pth"), "dataset.weights=no.pth does not exist"),
    ],
)
def test_one_line_for(kingdra_run, given, line):
    assert kingdra_run(*given).mistake.startswith(line)


@pytest.mark.parametrize(
    "name",
    [
        "it's.csv",
        "a,b.csv",
        "a=b.csv",
        "x (1).csv",
        "ünï.csv",
        "#1.csv",
        "a'b\"c.csv",
        "x,y'z=1 $5.csv",
        "a{b}.csv",
    ],
)
def test_the_advice_for_a_name_works_for_that_name(kingdra_run, name):
    told = kingdra_run("dataset=custom", f"dataset.path={name}").mistake
    advised = subprocess.check_output(["sh", "-c", f"printf %s {told.partition('such as ')[2]}"], text=True)
    found = kingdra_run("dataset=custom", advised, "n_clusters=2").mistake
    assert found.startswith(f"dataset.path={name} does not exist")


def test_a_class_that_is_not_there(kingdra_run):
    found = kingdra_run("base._target_=my.Base")
    assert found.status == 2
    last = found.err.splitlines()[-1]  # Hydra first logs what it tried
    assert last.startswith("kingdra-run: _target_=my.Base cannot be loaded (ModuleNotFoundError")


def test_a_training_that_diverges(kingdra_run, features, tmp_path):
    np.save(tmp_path / "x.npy", features * 1e18)
    outcome = kingdra_run(*CUSTOM, "n_clusters=3")
    assert outcome.status == 2
    assert outcome.err.splitlines()[-1].startswith("kingdra-run: The training diverged")
    assert not list(tmp_path.glob("outputs/**/result.json"))


def test_a_second_process_at_the_same_run(kingdra_run, features, tmp_path):
    command = (*CUSTOM, "method=kmeans", "n_clusters=3", "hydra.run.dir=here")
    (tmp_path / "here").mkdir()
    with exclusive_run(tmp_path / "here"):
        assert kingdra_run(*command).mistake.startswith("Another process is working on this run")
    assert kingdra_run(*command).status == 0
    assert "finished already" in kingdra_run(*command).out
    assert "a run of other settings" in kingdra_run(*command, "seed=1").mistake


def test_a_full_disk(kingdra_run, features, monkeypatch):
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    line = kingdra_run(*CUSTOM, "method=kmeans", "n_clusters=3").mistake
    assert "No space left on device; free space" in line
    assert "outputs/" in line, "it says where"


def test_too_little_memory():
    line = user_message(
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ...")
    )
    assert line.startswith("There is not enough memory: n_jobs=1")
    assert user_message(MemoryError()).startswith("There is not enough memory")


def test_a_file_that_cannot_be_read(tmp_path):
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "nowhere.png")
    line = user_message(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(link)))
    assert line == f"{link}: a broken link; correct or remove it"
