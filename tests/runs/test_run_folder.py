"""A run's folder is named after everything that can change its labels, and nothing else."""

import os

import pytest
from omegaconf import DictConfig, OmegaConf

from kingdra_repro.runs.folder import config_hash, run_folder

CHOICES = {"dataset": "custom", "method": "kingdra", "base": "ladder_im"}


def settings(**changes) -> DictConfig:
    cfg = OmegaConf.create(
        {
            "dataset": {"path": "x.npy", "mirror": None, "data_dir": None, "n_clusters": None},
            "method": {
                "_target_": "kingdra_repro.methods.Kingdra",
                **{"random_state": "${seed}", "device": "${device}", "base": {"hidden": [4]}},
            },
            "seed": 3,
            "device": "auto",
            "labels_per_class": None,
            "labels_fraction": None,
            "unused": 1,
            "hydra": {"runtime": {"choices": CHOICES}},
        }
    )
    for key, value in changes.items():
        OmegaConf.update(cfg, key.replace("__", ".", 2), value)
    return cfg


def test_folder():
    cfg = settings()
    assert run_folder(cfg) == f"custom-x/kingdra-ladder_im/seed3-{config_hash(cfg)}"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("my/trees.csv.gz", "custom-trees"),
        ("my/", "custom-my"),
        ("Bob's trees, a=1.csv", "custom-Bob_s_trees_a_1"),
        ("größe.npy", "custom-größe"),
        ("../..data", "custom"),
        (2024, "custom-2024"),
        ("a" * 200, "custom-" + "a" * 60),
    ],
)
def test_a_user_s_own_data_is_called_as_its_file(path, name):
    assert run_folder(settings(dataset__path=path)).split("/")[0] == name


@pytest.mark.parametrize("change", [{"seed": 4}, {"method__base__hidden": [5]}, {"dataset__n_clusters": 3}])
def test_what_changes_the_labels_counts(change):
    assert config_hash(settings(**change)) != config_hash(settings())


@pytest.mark.parametrize(
    "change", [{"device": "cpu"}, {"dataset__mirror": "m"}, {"dataset__data_dir": "d"}, {"unused": 2}]
)
def test_what_does_not_change_them_does_not(change):
    assert config_hash(settings(**change)) == config_hash(settings())


@pytest.mark.parametrize(("method", "n_hashes"), [("ConstrainedKMeans", 2), ("KMeans", 1)])
def test_the_seed_that_draws_labels_counts_where_nothing_else_is_random(method, n_hashes):
    both = [settings(seed=seed) for seed in (0, 1)]
    for cfg in both:
        cfg.method = {"_target_": f"kingdra_repro.methods.{method}"}
    assert len({config_hash(cfg) for cfg in both}) == n_hashes


@pytest.mark.parametrize("drawn", [{"labels_per_class": 2}, {"labels_fraction": 0.1}])
@pytest.mark.parametrize(("method", "n_hashes"), [("Kingdra", 2), ("ConstrainedKMeans", 2), ("KMeans", 1)])
def test_the_labels_that_are_drawn_count_where_the_method_learns_from_them(drawn, method, n_hashes):
    both = [settings(method___target_=f"kingdra_repro.methods.{method}", **more) for more in ({}, drawn)]
    assert len({config_hash(cfg) for cfg in both}) == n_hashes


def test_runs_from_before_a_setting_keep_their_hash():
    assert config_hash(settings(method__decay_epochs=0.0)) == config_hash(settings())
    assert config_hash(settings(method__decay_epochs=1.0)) != config_hash(settings())


def test_a_file_counts_by_its_contents(tmp_path):
    def hash_of(name, content):
        (tmp_path / name).write_bytes(content)
        return config_hash(settings(dataset__path=str(tmp_path / name)))

    assert hash_of("a.npy", b"1") == hash_of("b.npy", b"1")
    assert hash_of("a.npy", b"1") != hash_of("a.npy", b"2")


def test_a_folder_counts_by_what_is_in_it(tmp_path):
    cfg = settings(dataset__path=str(tmp_path))
    (tmp_path / "1.txt").write_text("one")
    before = config_hash(cfg)
    assert config_hash(cfg) == before
    os.utime(tmp_path / "1.txt", (1, 1))
    assert config_hash(cfg) != before


def test_a_name_that_is_a_number_counts_by_its_contents_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "2024").mkdir()
    (tmp_path / "2024" / "1.txt").write_text("one")
    before = config_hash(settings(dataset__path=2024))
    assert before == config_hash(settings(dataset__path="2024"))
    (tmp_path / "2024" / "2.txt").write_text("two")
    assert config_hash(settings(dataset__path=2024)) != before


def test_a_file_counts_by_its_contents_wherever_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    cfg = settings(dataset__path="~/x.csv")
    before = config_hash(cfg)
    assert before == config_hash(settings(dataset__path=str(tmp_path / "x.csv")))
    (tmp_path / "x.csv").write_text("a,b\n1,2\n3,4\n")
    assert config_hash(cfg) != before


def test_a_folder_named_like_the_labels_column_does_not_count(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = settings(dataset__labels="species")
    before = config_hash(cfg)
    (tmp_path / "species").mkdir()
    (tmp_path / "species" / "new").write_text("")
    assert config_hash(cfg) == before


def test_linked_folders_count_by_what_is_in_them(tmp_path):
    def hash_of(name, text):
        (tmp_path / "real" / name).mkdir(parents=True)
        (tmp_path / "real" / name / "1.txt").write_text(text)
        (tmp_path / name).mkdir()
        (tmp_path / name / "class").symlink_to(tmp_path / "real" / name)
        return config_hash(settings(dataset__path=str(tmp_path / name)))

    assert hash_of("a", "one") != hash_of("b", "another")


def test_a_hidden_file_is_no_data(tmp_path):
    (tmp_path / "1.txt").write_text("one")
    before = config_hash(settings(dataset__path=str(tmp_path)))
    (tmp_path / ".DS_Store").write_text("")
    assert config_hash(settings(dataset__path=str(tmp_path))) == before


@pytest.mark.parametrize("name", ["text", "scale", "labels"])
def test_the_name_of_a_column_is_not_that_of_a_file(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    before = [config_hash(settings(**{f"dataset__{name}": column})) for column in ("title", "body")]
    for column in ("title", "body"):
        (tmp_path / column).mkdir()
    assert [config_hash(settings(**{f"dataset__{name}": column})) for column in ("title", "body")] == before
    assert before[0] != before[1]


def test_columns_named_like_files_of_one_content(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for column in ("title", "body"):
        (tmp_path / column).write_text("")
    assert config_hash(settings(dataset__labels="title")) != config_hash(settings(dataset__labels="body"))


def test_settings_of_tables_that_say_what_was_so_before_keep_the_hash():
    standard = {"missing": "error", "categories": "error", "dates": "ignore", "header": "auto"}
    none = dict.fromkeys(("drop", "id", "separator", "decimal", "encoding"))
    changes = {f"dataset__{name}": value for name, value in (standard | none).items()}
    assert config_hash(settings(**changes)) == config_hash(settings())
    assert config_hash(settings(dataset__missing="mean")) != config_hash(settings())
