"""The configs: every choice composes, and instantiates the class that it names."""

from importlib.resources import files
from itertools import product

import pytest
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from kingdra_repro import bases, methods, pseudo_labels
from kingdra_repro.config import ALL, all_settings, check_types, names, sections, with_auto_settings
from kingdra_repro.programs.unread import unread
from kingdra_repro.runs.folder import config_hash

TABLE = (1500, 6)  # rows and columns, for settings that are "auto"


def composed(*overrides: str) -> DictConfig:
    return all_settings(overrides)


PAGES = {name: sections(name) for name in names("settings")}


@pytest.mark.parametrize(
    ("dataset", "base", "method"),
    sorted(  # tests/test_golden.py has the hashes of every pair of choices
        set(product(names("dataset"), ["ladder_im"], ["kingdra"]))
        | set(product(["digits"], names("base"), ["kingdra"]))
        | set(product(["digits"], ["ladder_im"], names("method")))
    ),
)
def test_every_choice_makes_its_method(dataset, base, method):
    cfg = composed(f"dataset={dataset}", f"base={base}", f"method={method}")
    made = instantiate(with_auto_settings(cfg, *TABLE).method)(n_clusters=3)
    assert type(made).__name__.lower() == method.replace("_", "")
    if "base" in made.get_params(deep=False):
        expected = ["ladder_im", "ladder_dot"] * 2 if base == "mixed" else [base] * 4
        for one, name in zip(bases.make_bases(made.base, 4), expected, strict=True):
            assert type(one) is type(bases.make_base(name))


@pytest.mark.parametrize(
    ("way", "dataset"),
    [
        *product(["graph"], names("dataset")),
        *product(sorted({*names("pseudo_labels")} - {"graph"}), ["custom", "stl"]),
    ],
)
def test_every_way_of_making_pseudo_labels_with_every_data_set(dataset, way):
    """A data set's settings for the graph do not reach the other pseudo-labellers."""
    cfg = composed(f"dataset={dataset}", f"pseudo_labels={way}")
    check_types(cfg)
    made = instantiate(cfg.pseudo_labels)
    if way != "graph" or dataset in ("digits", "usps", "custom"):
        assert made == pseudo_labels.make_pseudo_labeller(way)


@pytest.mark.parametrize(("page", "choice"), [(page, name) for page in PAGES for name in PAGES[page]])
def test_every_setting_of_a_page_reaches_its_choice(page, choice):
    """No setting is lost because its choice, its data set or the setting itself does not exist."""
    group = "base" if choice in names("base") else "pseudo_labels"
    dataset = "usps" if page == ALL else page  # usps has no page of its own
    cfg = composed(f"dataset={dataset}", f"{group}={choice}")
    check_types(cfg)
    assert OmegaConf.merge(cfg, PAGES[page][choice]) == cfg
    made = instantiate(cfg.pseudo_labels)
    assert made.t_neg is None or 1 <= made.t_neg <= cfg.ensemble.size


def test_members_of_a_mixed_base_share_what_they_do_not_set():
    cfg = composed("base=mixed", "dataset=digits", "base.members.dot.w_dot=2")
    check_types(cfg)
    im, dot, im_narrow, dot_narrow = instantiate(cfg.method)().base
    assert im == bases.LadderIM(hidden=(256, 256))
    assert dot == bases.LadderDot(hidden=(256, 256), w_dot=2)
    assert im_narrow == bases.LadderIM(hidden=(128, 128), noise_std=0.3 * 1.5)
    assert dot_narrow == bases.LadderDot(hidden=(128, 128), noise_std=0.3 * 1.5)


@pytest.mark.parametrize("dataset", names("dataset"))
def test_a_mixed_base_has_the_settings_of_its_data_set(dataset):
    mixed, plain = composed(f"dataset={dataset}", "base=mixed"), composed(f"dataset={dataset}")
    assert mixed.training == plain.training
    assert mixed.ensemble == plain.ensemble
    mixed, plain = (with_auto_settings(cfg, *TABLE) for cfg in (mixed, plain))
    assert instantiate(mixed.method)().base[0] == instantiate(plain.base)


@pytest.mark.parametrize("change", ["base.hidden=[16,16]", "base.members.dot.w_dot=2", "~base.members.dot"])
def test_a_mixed_base_has_its_part_in_the_folder_s_name(change):
    assert config_hash(composed("base=mixed", change)) != config_hash(composed("base=mixed"))


def test_settings_of_a_data_set_are_chosen_by_themselves():
    assert composed("dataset=mnist").training.order == "file"
    assert composed("dataset=mnist", "training.order=epoch").training.order == "epoch"
    assert composed("dataset=usps").training.order == "epoch"
    assert composed("dataset=stl", "base=ladder_dot").base.last_layer_bn
    assert composed("dataset=stl").base.w_mi_later == 0
    assert composed("dataset=usps", "base=imsat_vat").training.batch_size == 250  # on any data set


@pytest.mark.parametrize(
    ("method", "given", "lines"),
    [
        ("kingdra", ["training.epochs=2", "training.iterations=3", "ensemble.mapping=common"], []),
        ("ensemble", ["ensemble.size=2", "training.order=file"], []),
        (
            "single",
            ["training.epochs=2"],
            ["training.epochs has no effect on method=single: give training.first_epochs"],
        ),
        (
            "single",
            ["training.first_epochs=2", "training.epochs=2", "training.iterations=3"],
            [
                "training.epochs has no effect on method=single: leave it out",
                "training.iterations has no effect on method=single: leave it out",
            ],
        ),
        (
            "kingdra_plus",
            ["training.order=file"],
            ["training.order has no effect on method=kingdra_plus: give method.order"],
        ),
        ("dec", ["++training.epochs=2"], ["training.epochs has no effect on method=dec: give method.epochs"]),
        (
            "kmeans",
            ["ensemble.size=2", "seed=1"],
            ["ensemble.size has no effect on method=kmeans: leave it out"],
        ),
        ("single", ["base=imsat_vat", "base.w_mi=0.2"], []),
        ("kingdra", ["pseudo_labels=kmeans", "base=mixed"], []),
        (
            "single",
            ["pseudo_labels.t_neg=1"],
            ["pseudo_labels.t_neg has no effect on method=single: leave it out"],
        ),
        (
            "dec",
            ["base=imsat_vat", "base.hidden=[8]"],
            [
                "base has no effect on method=dec: leave it out",
                "base.hidden has no effect on method=dec: give method.hidden",
            ],
        ),
    ],
)
def test_settings_that_a_method_does_not_read_are_told(method, given, lines):
    overrides = [f"method={method}", *given]
    assert unread(composed(*overrides), overrides, method) == lines


@pytest.mark.parametrize(("size", "t_neg"), [(10, 9), (5, 4), (1, 1)])
def test_thresholds_keep_their_meaning_with_the_size_of_the_ensemble(size, t_neg):
    cfg = composed("dataset=mnist", f"ensemble.size={size}")
    assert cfg.pseudo_labels.t_neg == t_neg


def test_defaults_are_those_of_the_classes():
    """The defaults in the configs are those of the signatures."""
    cfg = composed("dataset=usps")  # usps has no settings of its own
    assert instantiate(cfg.pseudo_labels) == pseudo_labels.GraphPseudoLabels()
    ours = instantiate(cfg.method)().get_params(deep=False)
    # n_jobs differs: the program uses all cores, an estimator only those that its caller allows.
    for name, default in methods.Kingdra().get_params(deep=False).items():
        if name not in ("base", "pseudo_labels", "random_state", "n_jobs"):
            assert ours[name] == default, name


@pytest.mark.parametrize("base", [name for name in names("base") if name != "mixed"])
def test_defaults_of_a_base_are_those_of_its_name(base, monkeypatch):
    monkeypatch.delenv("KINGDRA_DATA_DIR", raising=False)
    made = instantiate(composed("dataset=usps", f"base={base}").base)
    assert made == bases.make_base(base)


def test_imsat_s_settings():
    training = composed("dataset=mnist", "base=imsat_vat").training
    assert (training.batch_size, training.first_epochs, training.order) == (250, 50, "epoch")
    assert composed("dataset=mnist", "base=imsat_vat").base.xi == 5  # for pixels from 0 to 1


@pytest.mark.parametrize(
    "method", ["kmeans", "agglomerative", "dae_kmeans", "dvae_kmeans", "dec", "deepcluster"]
)
def test_methods_without_a_base_have_settings_of_their_own(method):
    """No setting of a base model, or of a data set for a base model, reaches them, except the precision."""
    made = instantiate(composed(f"method={method}", "dataset=mnist", "training.epochs=77").method)()
    ours, defaults = made.get_params(deep=False), type(made)().get_params(deep=False)
    for name, default in defaults.items():
        if name != "random_state":
            assert _plain(ours[name]) == default, name
    for group in ("ensemble", "training", "base", "pseudo_labels"):
        text = files("kingdra_repro.configs").joinpath("method", f"{method}.yaml").read_text()
        assert f"${{{group}" not in text.replace("${training.precision}", "")


def _plain(value):
    return tuple(value) if isinstance(value, list) else value
