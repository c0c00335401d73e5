"""Names and types of the settings, so that a wrong one is reported before anything runs.

Values are in the configs alone.
"""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from functools import cache
from importlib.resources import files
from inspect import signature
from typing import Any

from hydra import compose, initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.utils import get_class, get_object
from omegaconf import MISSING, DictConfig, OmegaConf

from kingdra_repro.auto_settings import AUTO, auto_settings
from kingdra_repro.checks import is_integer, must_be
from kingdra_repro.errors import InputError
from kingdra_repro.training.options import TrainingOptions

CONFIGS = "kingdra_repro.configs"
VERSION_BASE = "1.3"  # of Hydra, whose behaviour they are written for
# Parameters of a method that its results are filed under, and the settings that they come from.
FILED_UNDER = {"base": "base", "pseudo_labels": "pseudo_labels", "random_state": "seed"}
# The page of configs/settings for all data sets; the others are named after their data set.
ALL = "all_data_sets"
LABELS_PER_CLASS = 10  # for a method that needs some of each class, where nothing says how many
LENGTHS = {"iterations": 0, "first_epochs": 1, "epochs": 1}  # of training, and the least that each may be


@dataclass
class EnsembleSettings:
    """The settings below ``ensemble``."""

    size: int = MISSING
    mapping: str = MISSING


@dataclass
class ReportSettings:
    """The settings below ``report``."""

    map: str = MISSING


@dataclass
class TrainingSettings(TrainingOptions):
    """The options of training, and how long it goes on."""

    # Integers, or auto.
    iterations: Any = MISSING
    first_epochs: Any = MISSING
    epochs: Any = MISSING


@dataclass
class Settings:
    """The top level of configs/config.yaml; the groups hold what their choice brings."""

    dataset: Any = MISSING
    method: Any = MISSING
    base: Any = MISSING
    pseudo_labels: Any = MISSING
    seed: int = MISSING
    device: str = MISSING
    n_jobs: int | None = MISSING
    n_clusters: int | None = MISSING
    labels_per_class: Any = MISSING
    labels_fraction: Any = MISSING
    output_dir: str = MISSING
    mirror: str | None = MISSING
    data_dir: str | None = MISSING
    keep_checkpoint: bool = MISSING
    keep_model: Any = MISSING
    report: ReportSettings = field(default_factory=ReportSettings)
    ensemble: EnsembleSettings = field(default_factory=EnsembleSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)


def register_schema() -> None:
    """Make known to Hydra what configs/config.yaml's defaults name: the schema, and the settings' pages."""
    store = ConfigStore.instance()
    store.store(name="schema", node=Settings)
    store.repo.pop("settings", None)  # an earlier run of this process may have had a user's own
    for page in names("settings"):
        register_page(page, sections(page))


def register_page(page: str, found: Mapping[str, DictConfig]) -> None:
    """Make the sections of a page known to Hydra, by the names that configs/config.yaml looks for."""
    for name, node in found.items():
        group, entry = ("settings/base", name) if page == ALL else ("settings", f"{name}_{page}")
        ConfigStore.instance().store(group=group, name=entry, node=node, package="_global_")


@cache
def sections(page: str) -> dict[str, DictConfig]:
    """Read what configs/settings/<page>.yaml says of each base model, or way of making pseudo-labels.

    A section may name several, ``ladder_im, ladder_dot:``; of two that name the same one the later wins.
    """
    return by_name(read_config("settings", page))


def by_name(said: Any) -> dict[str, DictConfig]:
    """Return the sections of a page, as `sections` does."""
    found: dict[str, Any] = {}
    for names, section in said.items():
        for name in re.split(r",\s*", names):
            found[name] = OmegaConf.merge(found.get(name, {}), section)
    return found


def check_types(cfg: DictConfig) -> None:
    """Check what the groups hold: names that the choice takes; values, where it is a dataclass with fields.

    InputError for a setting that the program, the data set or the method does not take, or that results are
    filed under by another name; OmegaConfBaseException for a value of another type than the field's, or a
    name that is no field.
    """
    if unknown := [name for name in cfg if name not in Settings.__dataclass_fields__]:
        raise InputError(f"{unknown[0]!s} is not a setting: `kingdra-run --help` shows them")
    for name, least in LENGTHS.items():
        if cfg.training[name] != AUTO and not is_integer(cfg.training[name], least):
            raise must_be(f"an integer of at least {least}, or auto", f"training.{name}", cfg.training[name])
    cfg = with_auto_settings(cfg, 1, 1)
    check_names(cfg, "dataset")
    check_names(cfg, "method")
    method: Any = OmegaConf.to_container(cfg.method)
    for name, setting in FILED_UNDER.items():
        if name in method and method[name] != f"${{{setting}}}":
            raise InputError(f"method.{name} cannot be set directly: give {setting}=VALUE")
    nodes = {group: OmegaConf.select(cfg, group) for group in ("base", "method.first_base", "pseudo_labels")}
    for group, chosen in nodes.items():
        for node in _of_members(group, chosen) if isinstance(chosen, DictConfig) else []:
            kind = get_class(node["_target_"])
            if is_dataclass(kind):
                fields = OmegaConf.structured(kind)
                OmegaConf.set_readonly(fields, False)  # as those of frozen classes are
                given = {name: value for name, value in node.items() if not name.startswith("_")}
                OmegaConf.merge(OmegaConf.create({group: fields}), {group: given})


def with_auto_settings(cfg: DictConfig, n: int, d: int) -> DictConfig:
    """Return the settings with what suits n rows of d columns where they are ``auto``; else unchanged."""
    suited, filled = auto_settings(n, d), None
    values = {f"training.{name}": getattr(suited, name) for name in LENGTHS}
    values["base.hidden"] = values["method.first_base.hidden"] = list(suited.hidden)
    for name, value in values.items():
        if OmegaConf.select(cfg, name) == AUTO:
            filled = filled or copy.deepcopy(cfg)
            OmegaConf.update(filled, name, value)
    return filled or cfg


def with_image_shape(cfg: DictConfig, image_shape: Sequence[int] | None) -> DictConfig:
    """Return the settings with the shape of the data set's pictures in each base that is to have it."""
    if image_shape is None:
        return cfg
    filled = copy.deepcopy(cfg)
    for name in ("base", "method.first_base"):
        chosen = OmegaConf.select(filled, name)
        if isinstance(chosen, DictConfig) and chosen.get("image_shape", image_shape) is None:
            chosen.image_shape = list(image_shape)
    return filled


def check_names(cfg: DictConfig, group: str) -> None:
    """Raise InputError for a setting that the data set or method chosen does not take."""
    taken = list(signature(get_object(cfg[group]["_target_"])).parameters)
    if unknown := [name for name in cfg[group] if not name.startswith("_") and name not in taken]:
        there = ", ".join(str(name) for name in cfg[group] if name in taken)
        raise InputError(f"{group}.{unknown[0]} is not a setting of this {group}: it has {there}")


def _of_members(group: str, node: DictConfig) -> list[dict[Any, Any]]:
    """Return the node itself, or one for each member of a mixed base."""
    if not node.get("members"):
        if not isinstance(get_object(node["_target_"]), type):
            raise InputError(f"{group}=mixed needs {group}.members: give one or more")
        return [dict(node)]
    shared = {name: value for name, value in node.items() if name != "members"}
    return [{**shared, **member} for member in node.members.values()]


def setting_of(parameter: str, cfg: DictConfig) -> str:
    """Return the setting that a parameter of the method, or of what it is given, is taken from.

    The configs are the table of both names: ``n_models: ${ensemble.size}`` in configs/method/ensemble.yaml.
    Where several settings end with this name, it is the parameter's name.
    """
    groups: Any = OmegaConf.to_container(cfg)
    if parameter in groups["method"]:
        taken_from = re.match(r"\$\{([\w.]+)\}", str(groups["method"][parameter]))
        return taken_from[1] if taken_from else f"method.{parameter}"
    if parameter in groups:
        return parameter
    inner = [path for group in ("dataset", "base", "pseudo_labels") for path in _paths(groups, group)]
    places = [path for path in inner if path.endswith(f".{parameter}")]
    return places[0] if len(places) == 1 else parameter


def _paths(node: dict[str, Any], name: str) -> Iterator[str]:
    """Yield the names of all settings within one, with those that it lies in: "dataset.words.n_words"."""
    if isinstance(inner := node[name], dict):
        for key in inner:
            yield from (f"{name}.{path}" for path in _paths(inner, key))
    yield name


def labels_to_draw(cfg: DictConfig) -> dict[str, Any] | None:
    """Return a run's ``labels_per_class`` and ``labels_fraction``, either of which may be None.

    None where its method learns from no labels.
    """
    kind = get_object(cfg.method["_target_"])
    if not getattr(kind, "takes_labels", False):
        return None
    from sklearn.base import ClassifierMixin  # loaded with the method; what only tells settings does without

    number = cfg.labels_per_class
    if number is None and issubclass(kind, ClassifierMixin):
        number = LABELS_PER_CLASS
    return {"labels_per_class": number, "labels_fraction": cfg.labels_fraction}


def read_config(*place: str) -> dict[str, Any]:
    """Read configs/<group>/<name>.yaml, or configs/<name>.yaml, by itself."""
    text = files(CONFIGS).joinpath(*place[:-1], f"{place[-1]}.yaml").read_text(encoding="utf-8")
    content: Any = OmegaConf.to_container(OmegaConf.create(text))
    return content


def names(group: str) -> list[str]:
    """Return the names of a config group's files."""
    found = (file.name for file in files(CONFIGS).joinpath(group).iterdir())
    return sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml"))


def all_settings(overrides: Sequence[str]) -> DictConfig:
    """Compose the program's settings with overrides such as ``dataset=mnist``.

    In Hydra's form; those of `kingdra-run` are all known here. ``dataset`` is ready to be instantiated. A
    wrong override raises InputError, or Hydra's and OmegaConf's exceptions.
    """
    register_schema()
    with initialize_config_module(CONFIGS, version_base=VERSION_BASE):
        settings = compose("config", list(overrides))
    check_names(settings, "dataset")
    return settings
