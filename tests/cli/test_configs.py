"""Every choice composes and makes the object it names."""

from dataclasses import asdict
from importlib.resources import files
from itertools import product

import pytest
from hydra import compose, initialize_config_module
from hydra.utils import instantiate
from omegaconf import DictConfig

from kingdra_repro import bases, methods, pseudo_labels


def choices(group: str) -> list[str]:
    folder = files("kingdra_repro.configs").joinpath(group)
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def composed(*overrides: str) -> DictConfig:
    with initialize_config_module("kingdra_repro.configs", version_base="1.3"):
        return compose("config", list(overrides))


@pytest.mark.parametrize(
    ("dataset", "base", "method"),
    list(product(choices("dataset"), choices("base"), choices("method"))),
)
def test_every_choice_makes_its_method(dataset, base, method):
    cfg = composed(f"dataset={dataset}", f"base={base}", f"method={method}")
    made = instantiate(cfg.method)(n_clusters=3)
    assert type(made).__name__.lower() == method.replace("_", "")
    if "base" in made.get_params(deep=False):
        assert type(made.base).__name__.lower() == base.replace("_", "")


@pytest.mark.parametrize("settings", [name for name in choices("settings") if name.startswith("ladder_")])
def test_settings_fit_their_base(settings):
    base = next(name for name in choices("base") if settings.startswith(name))
    cfg = composed(f"base={base}", f"settings={settings}")
    made = instantiate(cfg.method)(n_clusters=3)
    assert made.pseudo_labels.t_neg is None or 1 <= made.pseudo_labels.t_neg <= cfg.ensemble.size


def test_settings_of_a_data_set_are_chosen_by_themselves():
    assert composed("dataset=mnist").training.order == "file"
    assert composed("dataset=mnist", "training.order=epoch").training.order == "epoch"
    assert composed("dataset=usps").training.order == "epoch"
    assert composed("dataset=stl", "base=ladder_dot").base.last_layer_bn
    assert composed("dataset=stl").base.w_mi_later == 0


@pytest.mark.parametrize(("size", "t_neg"), [(10, 9), (5, 4), (1, 1)])
def test_thresholds_keep_their_meaning_with_the_size_of_the_ensemble(size, t_neg):
    cfg = composed("dataset=mnist", f"ensemble.size={size}")
    assert cfg.pseudo_labels.t_neg == t_neg


def test_defaults_are_those_of_the_classes():
    """Each default stands in a config and in a signature: they are one."""
    cfg = composed("dataset=usps")  # which has no settings of its own
    base = instantiate(cfg.base)
    assert {name: _plain(value) for name, value in asdict(base).items()} == asdict(bases.LadderIM())
    assert instantiate(cfg.pseudo_labels) == pseudo_labels.GraphPseudoLabels()
    ours = instantiate(cfg.method)().get_params(deep=False)
    for name, default in methods.Kingdra().get_params(deep=False).items():
        if name not in ("base", "pseudo_labels", "random_state"):
            assert ours[name] == default, name


@pytest.mark.parametrize(
    "method", ["kmeans", "agglomerative", "dae_kmeans", "dvae_kmeans", "dec", "deepcluster"]
)
def test_methods_without_a_base_have_settings_of_their_own(method):
    """Neither a base model's nor a data set's settings for it reach them."""
    made = instantiate(composed(f"method={method}", "dataset=mnist", "training.epochs=77").method)()
    ours, defaults = made.get_params(deep=False), type(made)().get_params(deep=False)
    for name, default in defaults.items():
        if name != "random_state":
            assert _plain(ours[name]) == default, name
    for group in ("ensemble", "training", "base", "pseudo_labels"):
        text = files("kingdra_repro.configs").joinpath("method", f"{method}.yaml").read_text()
        assert f"${{{group}" not in text


def _plain(value):
    return tuple(value) if isinstance(value, list) else value
