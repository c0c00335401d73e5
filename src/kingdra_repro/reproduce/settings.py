"""Names and types of the settings of kingdra-reproduce; their defaults are in configs/reproduce.yaml."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra import compose, initialize_config_module
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, ListConfig

from kingdra_repro.config import CONFIGS, VERSION_BASE
from kingdra_repro.errors import InputError

SECONDS = {"h": 3600, "min": 60, "m": 60, "s": 1}  # in each unit of a budget


@dataclass
class ReproduceSettings:
    """The settings of kingdra-reproduce; configs/reproduce.yaml has their defaults."""

    experiments: list[str] = MISSING
    only: Any = MISSING
    rows: Any = MISSING
    datasets: Any = MISSING
    seeds: Any = MISSING
    schedule: Any = MISSING
    first: Any = MISSING
    budget: str | None = MISSING
    again: bool = MISSING
    dry_run: bool = MISSING
    only_report: bool = MISSING
    merge: str | None = MISSING
    report: bool = MISSING
    results: str = MISSING
    archive: str | None = MISSING
    output_dir: str = MISSING
    mirror: str | None = MISSING
    data_dir: str | None = MISSING
    device: str | None = MISSING
    n_jobs: int | None = MISSING
    one_process: bool | None = MISSING
    launcher: Any = None
    n: int | None = MISSING


def settings(arguments: Sequence[str]) -> DictConfig:
    """Read the settings from a command line, which need not have the quotes that Hydra requires.

    Raises InputError for an argument without "=", and Hydra's and OmegaConf's exceptions for a wrong setting.
    """
    ConfigStore.instance().store(name="reproduce_schema", node=ReproduceSettings)
    with initialize_config_module(CONFIGS, version_base=VERSION_BASE):
        return compose("reproduce", [_quoted(argument) for argument in arguments])


def split_names(value: Any) -> list[str] | None:
    """Return the names in ``a,b`` or ``[a,b]``, not split at commas in parentheses; None for None."""
    if value is None:
        return None
    if isinstance(value, ListConfig):
        return [str(one) for one in value]
    return [one.strip() for one in re.split(r",(?![^()]*\))", str(value)) if one.strip()]


def as_override(name: str, value: Any) -> str:
    """Return ``name=value`` in a form that Hydra can read, whatever characters the value has."""
    if value is None:
        return f"{name}=null"
    text = str(value)
    # Without quotes, 2024_12_01 would be the number 20241201, and 1e5 100000.0.
    if not re.fullmatch(r"(?!\d)[\w./-]+|\d+(\.\d+)?", text, re.ASCII):
        # Hydra: escape quotes, and backslashes before them or at the end.
        escaped = re.sub(r"(\\*)('|\Z)", lambda found: 2 * found[1] + (found[2] and "\\'"), text)
        text = f"'{escaped}'"
    return f"{name}={text}"


def parse_duration(given: str) -> float:
    """Return the seconds of ``2h``, ``90min``, ``1h30min`` or ``45s``; raise InputError for anything else."""
    text = given.replace(" ", "").lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|min|m|s)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise InputError(f"budget must be a duration, such as budget=2h or budget=1h30min; got {given}")
    return sum(float(number) * SECONDS[unit] for number, unit in parts)


def _quoted(argument: str) -> str:
    """Quote a value that Hydra would read as a sweep (a,b) or could not read (IMSAT (VAT))."""
    name, equals, value = argument.partition("=")
    if not equals:
        raise InputError(f"{argument} is not a setting: give NAME=VALUE, see kingdra-reproduce --help")
    return argument if value[:1] in ("[", "'", '"', "") else as_override(name, value)
