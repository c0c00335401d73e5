"""A user's own config folders (``--config-dir``): the settings that come with their data sets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_module
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from kingdra_repro.config import (
    ALL,
    CONFIGS,
    VERSION_BASE,
    by_name,
    names,
    read_config,
    register_page,
    sections,
)
from kingdra_repro.errors import InputError

SEARCHED = "hydra.searchpath"


def own_folders(arguments: Sequence[str]) -> list[Path]:
    """Return the folders that a command line adds to the program's configs.

    They are given by ``--config-dir FOLDER`` or ``hydra.searchpath=[FOLDER]``.
    """
    given = get_args_parser().parse_args(arguments)
    found = [] if given.config_dir is None else [given.config_dir]
    for override in given.overrides:
        if override.startswith(f"{SEARCHED}="):
            value: Any = OverridesParser.create().parse_override(override).value()
            found += value if isinstance(value, list) else []
    return [Path(folder.removeprefix("file://")).absolute() for folder in found if "pkg://" not in folder]


def register_own_pages(folders: Sequence[Path]) -> None:
    """Register with Hydra the settings that come with the data sets in a user's folders.

    A user's data set inherits the settings page of the built-in data set that the same function reads: a
    config with ``defaults: [custom]`` inherits the page of ``custom``. A page ``settings/<data set>.yaml`` in
    a user's folder has the form of those in configs/settings and wins over the inherited page. Raises
    InputError for a page that would never be read: one that is not named after a data set, or has a section
    that is not named after a base model or pseudo-labeller.
    """
    ours, pages = names("dataset"), _own(folders, "settings")
    # Hydra finds the built-in configs first, so a user's data set of the same name is never read.
    theirs = [name for name in _own(folders, "dataset") if name not in ours]
    if unread := [page for page in pages if page not in (ALL, *ours, *theirs)]:
        known = _listed(theirs + ours)
        raise InputError(f"{pages[unread[0]]} is named after no data set: there are {known}")
    for name in dict.fromkeys([*theirs, *pages]):
        inherited = _relative(name, folders) if name in theirs else name
        found = sections(inherited) if inherited in names("settings") else {}
        said = _read_page(pages[name], folders) if name in pages else {}
        both = {one: OmegaConf.merge(found.get(one, {}), said.get(one, {})) for one in {**found, **said}}
        register_page(name, both)  # type: ignore[arg-type]


def _relative(dataset: str, folders: Sequence[Path]) -> str | None:
    """Return the built-in data set that the same function reads as the user's; None if there is none."""
    searched = ",".join("'file://" + str(folder).replace("'", "\\'") + "'" for folder in folders)
    try:
        with initialize_config_module(CONFIGS, version_base=VERSION_BASE):
            composed = compose("config", [f"dataset={dataset}", f"{SEARCHED}=[{searched}]"])
        loader = composed.dataset.get("_target_")
    except (HydraException, OmegaConfBaseException, YAMLError):
        return None  # if it is chosen, Hydra reports the error
    read_by = {name: read_config("dataset", name)["_target_"] for name in names("dataset")}
    return next((name for name in read_by if read_by[name] == loader), None)


def _read_page(path: Path, folders: Sequence[Path]) -> dict[str, DictConfig]:
    try:
        found = by_name(OmegaConf.load(path))
    except (AttributeError, ValueError, OSError, OmegaConfBaseException, YAMLError) as error:
        reason = f" ({error})" if isinstance(error, OSError | YAMLError) else ""
        raise InputError(
            f"{path} is no page of settings{reason}: write sections, such as ladder_im: "
            "{training: {epochs: 3}}"
        ) from error
    choices = [name for group in ("base", "pseudo_labels") for name in (*names(group), *_own(folders, group))]
    if unknown := [name for name in found if name not in choices]:
        raise InputError(
            f"{path}: {unknown[0]} is no base model and no way of making pseudo-labels: write sections, "
            f"named after one or more of {_listed(choices)}"
        )
    return found


def _own(folders: Sequence[Path], group: str) -> dict[str, Path]:
    """Return the config files of a group in the folders, by name; earlier folders win over later ones."""
    paths = [path for folder in folders for path in sorted(folder.joinpath(group).glob("*.yaml"))]
    return {path.stem: path for path in reversed(paths)}


def _listed(found: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(found))
