"""A user's own folder of configs: a data set chosen by name gives the same run as its file's path."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.programs.conftest import TINY, Outcome

INHERITED = "defaults: [custom]\npath: x.npy\nn_clusters: 3\n"
BY_TARGET = "_target_: kingdra_repro.data.load_custom\npath: x.npy\nn_clusters: 3\n"


@pytest.fixture
def own(tmp_path: Path, features: np.ndarray) -> Callable[..., None]:
    """Return a function that writes configs to ``cfg``, a user's folder: ``own(dataset__blobs="...")``."""

    def write(**configs: str) -> None:
        for name, text in configs.items():
            path = tmp_path / "cfg" / f"{name.replace('__', '/')}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


def settings(shown: Outcome) -> dict:
    assert shown.status == 0, shown.err
    return yaml.safe_load(shown.out)


@pytest.mark.parametrize("config", [INHERITED, BY_TARGET])
@pytest.mark.parametrize("folder", [["--config-dir", "cfg"], ["hydra.searchpath=[cfg]"]])
def test_a_file_by_name_has_the_settings_of_files(kingdra_run, own, config, folder):
    own(dataset__blobs=config)
    by_name = settings(kingdra_run(*folder, "dataset=blobs", "--cfg", "job"))
    by_path = settings(kingdra_run("dataset=custom", "dataset.path=x.npy", "--cfg", "job"))
    assert by_path["base"]["hidden"] == by_path["training"]["epochs"] == "auto"
    del by_name["dataset"], by_path["dataset"]
    assert by_name == by_path


@pytest.mark.parametrize("config", [INHERITED, BY_TARGET])
def test_a_file_by_name_leaves_what_files_leave(kingdra_run, own, tmp_path, config):
    own(dataset__blobs=config)
    by_name = kingdra_run("--config-dir", "cfg", "dataset=blobs", *TINY)
    by_path = kingdra_run("dataset=custom", "dataset.path=x.npy", "n_clusters=3", *TINY)
    assert by_name.status == by_path.status == 0
    folders = [next(tmp_path.glob(f"outputs/{name}-x/*/*")) for name in ("blobs", "custom")]
    left, expected = ({path.name for path in folder.iterdir()} for folder in folders)
    assert {"clusters.csv", "ask.csv"} <= left == expected
    assert "on so few rows K-means is often as good or better" in by_name.err
    assert np.array_equal(*(np.load(folder / "labels.npy") for folder in folders))


def test_a_file_by_name_is_found_again_by_the_hash_of_its_path_s_run(kingdra_run, own, tmp_path):
    own(dataset__again="defaults: [custom]\npath: x.npy\n")
    kingdra_run("--config-dir", "cfg", "dataset=again", "method=kmeans", "n_clusters=3")
    kingdra_run("dataset=custom", "dataset.path=x.npy", "method=kmeans", "n_clusters=3")
    by_name, by_path = tmp_path.glob("outputs/*-x/*/*")
    assert by_name.name == by_path.name


def test_a_data_set_that_begins_with_one_of_ours_has_its_settings(kingdra_run, own):
    own(dataset__fewer="defaults: [mnist]\nn_clusters: 5\n")
    shown = settings(kingdra_run("--config-dir", "cfg", "dataset=fewer", "--cfg", "job"))
    assert shown["training"]["order"] == "file"
    assert shown["pseudo_labels"]["confidence"] == 0.9


PAGE = """
ladder_im,ladder_dot:
  training: {epochs: 3}
ladder_im:
  base: {w_mi: 0.5}
graph:
  pseudo_labels: {prune: members}
"""


def test_a_page_of_settings_beside_it_is_read(kingdra_run, own):
    own(dataset__paged=INHERITED, settings__paged=PAGE)
    given = ["--config-dir", "cfg", "--cfg", "job", "dataset=paged"]
    shown = settings(kingdra_run(*given))
    assert (shown["training"]["epochs"], shown["base"]["w_mi"]) == (3, 0.5)
    assert shown["pseudo_labels"]["prune"] == "members"
    assert shown["training"]["iterations"] == "auto"  # settings not on the page are custom's
    assert settings(kingdra_run(*given, "training.epochs=7"))["training"]["epochs"] == 7
    assert settings(kingdra_run(*given, "base=ladder_dot"))["training"]["epochs"] == 3


def test_a_page_for_a_data_set_of_ours_is_read(kingdra_run, own):
    own(settings__digits="ladder_im:\n  training: {epochs: 3}\n")
    shown = settings(kingdra_run("--config-dir", "cfg", "--cfg", "job"))
    assert (shown["training"]["epochs"], shown["training"]["first_epochs"]) == (3, 20)


def test_a_page_of_a_data_set_with_a_loader_of_its_own_is_read(kingdra_run, own):
    own(dataset__mine="_target_: my.load\n", settings__mine="ladder_im:\n  training: {epochs: 3}\n")
    shown = settings(kingdra_run("--config-dir", "cfg", "dataset=mine", "--cfg", "job"))
    assert shown["training"]["epochs"] == 3


@pytest.mark.parametrize(
    ("name", "page", "told"),
    [
        ("settings__blob", PAGE, "settings/blob.yaml is named after no data set: there are blobs, cifar10"),
        ("settings__ladder_im_blobs", "training: {}", "settings/ladder_im_blobs.yaml is named after no data"),
        ("settings__blobs", "training: {epochs: 3}", "settings/blobs.yaml: training is no base model and no"),
        ("settings__blobs", "ladder_im: 3", "settings/blobs.yaml is no page of settings: write sections"),
        ("settings__blobs", "- ladder_im", "settings/blobs.yaml is no page of settings: write sections"),
        ("settings__blobs", "ladder_im: [", "settings/blobs.yaml is no page of settings (while parsing"),
        ("settings__blobs", "ladder_im: {training: {epoch: 3}}", "training.epoch is not a setting"),
    ],
)
def test_a_page_that_would_not_be_read_is_refused(kingdra_run, own, name, page, told):
    own(dataset__blobs=INHERITED, **{name: page})
    assert told in kingdra_run("--config-dir", "cfg", "dataset=blobs", "method=kmeans").mistake


def test_a_folder_may_have_any_name(kingdra_run, own, tmp_path):
    own(dataset__named=INHERITED)
    (tmp_path / "cfg").rename(tmp_path / "o'brien, [his] cfg")
    shown = settings(kingdra_run("--config-dir", "o'brien, [his] cfg", "--cfg", "job", "dataset=named"))
    assert shown["base"]["hidden"] == "auto"


def test_a_data_set_that_is_no_yaml_is_told(kingdra_run, own):
    own(dataset__blobs=INHERITED, dataset__broken="defaults: [custom\npath: x.npy\n")
    line = kingdra_run("--config-dir", "cfg", "dataset=broken", "method=kmeans").mistake
    assert re.search(r"cfg/dataset/broken.yaml is no YAML \(line 2: .*\): correct it$", line)
    assert settings(kingdra_run("--config-dir", "cfg", "--cfg", "job", "dataset=blobs"))


def test_a_section_may_be_named_after_a_base_of_the_user_s_own(kingdra_run, own):
    base = "defaults: [ladder_im]\n"
    own(dataset__blobs=INHERITED, base__mine=base, settings__blobs="mine:\n  training: {epochs: 3}\n")
    shown = settings(kingdra_run("--config-dir", "cfg", "dataset=blobs", "base=mine", "--cfg", "job"))
    assert shown["training"]["epochs"] == 3


LOADER = """
import numpy as np
from kingdra_repro.data import Dataset

X, y = np.random.default_rng(0).normal(size=(60, 5)), np.arange(60) % 3

def load():
    return {}
"""


@pytest.fixture
def loader(own, tmp_path, monkeypatch) -> Callable[[str], str]:
    """Return a function that writes a user's loader, which returns the given expression, and its config.

    The function returns the name of the loader.
    """
    monkeypatch.syspath_prepend(tmp_path)

    def write(returned: str) -> str:
        monkeypatch.delitem(sys.modules, "own_loader", raising=False)
        (tmp_path / "own_loader.py").write_text(LOADER.replace("{}", returned))
        own(dataset__mine="_target_: own_loader.load\n")
        return "own_loader.load"

    return write


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        ("Dataset('mine', X, np.array(list('abc'))[y], 3)", "The labels must be integers from 0; got <U1"),
        (
            "Dataset('mine', np.where(X > 2, np.nan, X), y, 3)",
            "X has a value that is NaN (a missing value) in",
        ),
        ("Dataset('mine', X, y - 1, 3)", "The labels must be integers from 0; got -1: give a label of each"),
    ],
)
def test_what_a_loader_of_the_user_s_own_returns_is_checked_first(
    kingdra_run, loader, tmp_path, returned, told
):
    name = loader(returned)
    line = kingdra_run("--config-dir", "cfg", "dataset=mine", *TINY).mistake
    assert line.startswith(f"what {name} returned cannot be clustered: {told}")
    assert not list(tmp_path.glob("outputs/**/history.csv"))


def test_a_number_of_clusters_that_a_loader_does_not_take_is_told(kingdra_run, loader):
    loader("Dataset('mine', X, y, 3)")
    told = kingdra_run("--config-dir", "cfg", "dataset=mine", "n_clusters=4", *TINY)
    assert told.mistake == (
        "n_clusters=4 is not read by dataset=mine, which has 3: put n_clusters: ${n_clusters} into its config"
    )


def test_a_loader_that_returns_something_else_is_named(kingdra_run, loader):
    name = loader("X, y")
    line = kingdra_run("--config-dir", "cfg", "dataset=mine", "method=kmeans").mistake
    assert line == f"{name} must return a kingdra_repro.data.Dataset; got tuple"


def test_what_a_loader_of_the_user_s_own_returns_is_clustered(kingdra_run, loader, tmp_path):
    loader("Dataset('mine', X, y.astype(np.uint8), 3)")
    assert kingdra_run("--config-dir", "cfg", "dataset=mine", *TINY).status == 0
    (result,) = tmp_path.glob("outputs/mine/*/*/result.json")
    assert json.loads(result.read_text())["acc"] is not None
