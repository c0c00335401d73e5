"""The schema of the settings: their names and types, so that a wrong setting is reported before a run starts.

The values themselves are in the configs only.
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
from kingdra_repro.checks import invalid_value, is_integer
from kingdra_repro.errors import InputError
from kingdra_repro.training.options import TrainingOptions

CONFIGS = "kingdra_repro.configs"
VERSION_BASE = "1.3"  # the version of Hydra whose behaviour the configs are written for
# Parameters of a method that its results are stored under, and the settings that they are taken from.
RESULT_KEY_SETTINGS = {"base": "base", "pseudo_labels": "pseudo_labels", "random_state": "seed"}
# The page of configs/settings for all data sets; every other page is named after its data set.
ALL = "all_data_sets"
LABELS_PER_CLASS = 10  # default of methods that need labels of every class
LENGTHS = {"iterations": 0, "first_epochs": 1, "epochs": 1}  # settings of training length, and their minimum


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
    """The settings below ``training``: the training options and the length of training."""

    # Integers or "auto".
    iterations: Any = MISSING
    first_epochs: Any = MISSING
    epochs: Any = MISSING


@dataclass
class Settings:
    """The top level of configs/config.yaml; a group's field holds the config chosen from that group."""

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
    """Register with Hydra what configs/config.yaml's defaults name: the schema and the settings pages."""
    store = ConfigStore.instance()
    store.store(name="schema", node=Settings)
    store.repo.pop("settings", None)  # an earlier run in this process may have added a user's pages
    for page in names("settings"):
        register_page(page, sections(page))


def register_page(page: str, found: Mapping[str, DictConfig]) -> None:
    """Register the sections of a page with Hydra, under the names that configs/config.yaml looks up."""
    for name, node in found.items():
        group, entry = ("settings/base", name) if page == ALL else ("settings", f"{name}_{page}")
        ConfigStore.instance().store(group=group, name=entry, node=node, package="_global_")


@cache
def sections(page: str) -> dict[str, DictConfig]:
    """Read the sections of configs/settings/<page>.yaml, by name of a base model or pseudo-labeller.

    A section may have several names, ``ladder_im, ladder_dot:``. For a name in two sections, the later wins.
    """
    return by_name(read_config("settings", page))


def by_name(said: Any) -> dict[str, DictConfig]:
    """Return the sections of a page that has been read, as `sections` does."""
    found: dict[str, Any] = {}
    for names, section in said.items():
        for name in re.split(r",\s*", names):
            found[name] = OmegaConf.merge(found.get(name, {}), section)
    return found


def check_types(cfg: DictConfig) -> None:
    """Check the names of the settings in each group and, if the group's target is a dataclass, their types.

    Raises InputError for a setting that the program, the data set or the method does not take, or that must
    be set by another name (`RESULT_KEY_SETTINGS`). Raises OmegaConfBaseException for a name that is not a
    field of the dataclass, or a value that does not have the field's type.
    """
    if unknown := [name for name in cfg if name not in Settings.__dataclass_fields__]:
        raise InputError(f"{unknown[0]!s} is not a setting: `kingdra-run --help` shows them")
    for name, least in LENGTHS.items():
        if cfg.training[name] != AUTO and not is_integer(cfg.training[name], least):
            raise invalid_value(
                f"an integer of at least {least}, or auto", f"training.{name}", cfg.training[name]
            )
    cfg = with_auto_settings(cfg, 1, 1)
    check_names(cfg, "dataset")
    check_names(cfg, "method")
    method: Any = OmegaConf.to_container(cfg.method)
    for name, setting in RESULT_KEY_SETTINGS.items():
        if name in method and method[name] != f"${{{setting}}}":
            raise InputError(f"method.{name} cannot be set directly: give {setting}=VALUE")
    nodes = {group: OmegaConf.select(cfg, group) for group in ("base", "method.first_base", "pseudo_labels")}
    for group, chosen in nodes.items():
        for node in _of_members(group, chosen) if isinstance(chosen, DictConfig) else []:
            kind = get_class(node["_target_"])
            if is_dataclass(kind):
                fields = OmegaConf.structured(kind)
                OmegaConf.set_readonly(fields, False)  # it is read-only for a frozen dataclass
                given = {name: value for name, value in node.items() if not name.startswith("_")}
                OmegaConf.merge(OmegaConf.create({group: fields}), {group: given})


def with_auto_settings(cfg: DictConfig, n: int, d: int) -> DictConfig:
    """Return the settings with ``auto`` replaced by what suits n rows of d columns; unchanged if none is."""
    suited, filled = auto_settings(n, d), None
    values = {f"training.{name}": getattr(suited, name) for name in LENGTHS}
    values["base.hidden"] = values["method.first_base.hidden"] = list(suited.hidden)
    for name, value in values.items():
        if OmegaConf.select(cfg, name) == AUTO:
            filled = filled or copy.deepcopy(cfg)
            OmegaConf.update(filled, name, value)
    return filled or cfg


def with_image_shape(cfg: DictConfig, image_shape: Sequence[int] | None) -> DictConfig:
    """Return the settings with the data set's ``image_shape`` filled in for each base that has None there."""
    if image_shape is None:
        return cfg
    filled = copy.deepcopy(cfg)
    for name in ("base", "method.first_base"):
        chosen = OmegaConf.select(filled, name)
        if isinstance(chosen, DictConfig) and chosen.get("image_shape", image_shape) is None:
            chosen.image_shape = list(image_shape)
    return filled


def check_names(cfg: DictConfig, group: str) -> None:
    """Raise InputError for a setting that the chosen data set or method does not take."""
    taken = list(signature(get_object(cfg[group]["_target_"])).parameters)
    if unknown := [name for name in cfg[group] if not name.startswith("_") and name not in taken]:
        there = ", ".join(str(name) for name in cfg[group] if name in taken)
        raise InputError(f"{group}.{unknown[0]} is not a setting of this {group}: it has {there}")


def _of_members(group: str, node: DictConfig) -> list[dict[Any, Any]]:
    """Return the node itself, or one node for each member of a mixed base."""
    if not node.get("members"):
        if not isinstance(get_object(node["_target_"]), type):
            raise InputError(f"{group}=mixed needs {group}.members: give one or more")
        return [dict(node)]
    shared = {name: value for name, value in node.items() if name != "members"}
    return [{**shared, **member} for member in node.members.values()]


def setting_of(parameter: str, cfg: DictConfig) -> str:
    """Return the name of the setting that a parameter of the method or of one of its parts is taken from.

    The configs define the mapping, as ``n_models: ${ensemble.size}`` in configs/method/ensemble.yaml does. If
    not exactly one setting has this name as its last part, return the parameter's name.
    """
    groups: Any = OmegaConf.to_container(cfg)
    if parameter in groups["method"]:
        taken_from = re.match(r"\$\{([\w.]+)\}", str(groups["method"][parameter]))
        return taken_from[1] if taken_from else f"method.{parameter}"
    if parameter in groups:
        return parameter
    parts = ("dataset", "base", "method", "pseudo_labels")
    inner = [path for group in parts for path in _paths(groups, group)]
    places = [path for path in inner if path.endswith(f".{parameter}")]
    return places[0] if len(places) == 1 else parameter


def _paths(node: dict[str, Any], name: str) -> Iterator[str]:
    """Yield the dotted names, such as "dataset.words.n_words", of all settings below a node, then its own."""
    if isinstance(inner := node[name], dict):
        for key in inner:
            yield from (f"{name}.{path}" for path in _paths(inner, key))
    yield name


def labels_to_draw(cfg: DictConfig) -> dict[str, Any] | None:
    """Return a run's ``labels_per_class`` and ``labels_fraction``, either of which may be None.

    Return None if the method does not learn from labels.
    """
    kind = get_object(cfg.method["_target_"])
    if not getattr(kind, "takes_labels", False):
        return None
    from sklearn.base import ClassifierMixin  # imported late: commands that only show settings do without

    number = cfg.labels_per_class
    if number is None and issubclass(kind, ClassifierMixin):
        number = LABELS_PER_CLASS
    return {"labels_per_class": number, "labels_fraction": cfg.labels_fraction}


def read_config(*place: str) -> dict[str, Any]:
    """Read configs/<group>/<name>.yaml, or configs/<name>.yaml, without composing it."""
    text = files(CONFIGS).joinpath(*place[:-1], f"{place[-1]}.yaml").read_text(encoding="utf-8")
    content: Any = OmegaConf.to_container(OmegaConf.create(text))
    return content


def names(group: str) -> list[str]:
    """Return the names of the configs in a group."""
    found = (file.name for file in files(CONFIGS).joinpath(group).iterdir())
    return sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml"))


def all_settings(overrides: Sequence[str]) -> DictConfig:
    """Compose the program's settings with overrides such as ``dataset=mnist``.

    Overrides are in Hydra's syntax; all settings of `kingdra-run` are accepted. ``dataset`` in the result can
    be instantiated. A wrong override raises InputError, or an exception of Hydra or OmegaConf.
    """
    register_schema()
    with initialize_config_module(CONFIGS, version_base=VERSION_BASE):
        settings = compose("config", list(overrides))
    check_names(settings, "dataset")
    return settings
