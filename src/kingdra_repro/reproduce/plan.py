"""The plan: all runs that cells of tables and figures need, and which of them are done."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from pathlib import Path

import hydra
import omegaconf
import pandas as pd
from hydra import compose, initialize_config_module
from omegaconf import DictConfig, OmegaConf

from kingdra_repro.config import CONFIGS, VERSION_BASE, register_schema
from kingdra_repro.data.download.folder import data_folder
from kingdra_repro.files import write_text
from kingdra_repro.reproduce.experiments import Experiment, Row, experiment, schedule
from kingdra_repro.resolvers import register_resolvers
from kingdra_repro.runs.folder import hash_of, hashed_settings

ANY_SEED = 7203914658  # placeholder for the seed; no other setting has this value

GROUPS = ("dataset", "method", "base", "first_base", "pseudo_labels")


@dataclass(frozen=True)
class PlannedRun:
    """One run for one cell. Cells that need the same run have the same ``config_hash``.

    Attributes
    ----------
    experiment : name of the table or figure
    row, value : the row of the table, and the column of runs.csv that fills it
    dataset : as in ``dataset=``
    order : order of the batches; "-" for methods without one
    schedule : "published" or "short"; if that makes no difference, the run is planned under both
    overrides : overrides of kingdra-run; all that is needed to repeat the run
    config_hash : hash of the settings, see `kingdra_repro.runs.folder`
    priority : rows are run in ascending order of it
    """

    experiment: str
    row: str
    value: str
    dataset: str
    order: str
    schedule: str
    seed: int
    overrides: tuple[str, ...]
    config_hash: str
    priority: int = 0


def plan(experiments: Sequence[str]) -> list[PlannedRun]:
    """Return all runs of the experiments (files of configs/experiment), in the order of their tables.

    They are in order of experiment, row, data set, schedule, order and seed. A seed that changes nothing
    (Ward's method) is left out, so the runs of a cell are distinct.
    """
    made_of = _checksum_of_the_code()
    kept = data_folder() / f"plan-{hash_of(' '.join(experiments))}.json"
    try:
        found = json.loads(kept.read_text())
        if found["made_of"] == made_of:
            return [PlannedRun(**{**run, "overrides": tuple(run["overrides"])}) for run in found["runs"]]
    except (OSError, ValueError, TypeError, LookupError):  # no cached plan, or a damaged one
        pass
    planned = _compose(experiments)
    with suppress(OSError):  # then it is composed again next time
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_text(kept, json.dumps({"made_of": made_of, "runs": [asdict(run) for run in planned]}))
    return planned


def _checksum_of_the_code() -> str:
    """Return a checksum of all that a plan depends on; plans are cached, as composing takes half a minute."""
    digest = hashlib.sha256(f"{hydra.__version__} {omegaconf.__version__}".encode())
    for name, kind in (("kingdra_repro", "*.py"), (CONFIGS, "*.yaml")):
        folder = files(name)
        assert isinstance(folder, Path)
        for path in sorted(folder.rglob(kind)):
            digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()


def _compose(experiments: Sequence[str]) -> list[PlannedRun]:
    register_schema()
    register_resolvers()
    found = [experiment(name) for name in experiments]
    with initialize_config_module(CONFIGS, version_base=VERSION_BASE):
        return [run for one in found for run in _runs(one)]


def join_results(planned: Sequence[PlannedRun], runs: pd.DataFrame) -> pd.DataFrame:
    """Return the planned runs that are done, called "cells".

    The table has a row for each planned run that is in runs.csv, in the plan's order: the fields of
    `PlannedRun` (without ``overrides``), then the run's columns. If several versions of the code made a run,
    the one that finished last is taken; runs without a time count as older.
    """
    fields = [name for name in PlannedRun.__dataclass_fields__ if name != "overrides"]
    cells = pd.DataFrame([{name: getattr(run, name) for name in fields} for run in planned], columns=fields)
    if "finished" in runs:
        runs = runs.sort_values("finished", kind="stable", na_position="first")
    latest = runs.drop_duplicates("config_hash", keep="last")
    own = [name for name in latest if name == "config_hash" or name not in fields]
    return cells.merge(latest[own], on="config_hash", how="inner")


def _runs(one: Experiment) -> Iterator[PlannedRun]:
    """Yield the runs of one experiment. Hydra must be initialised."""
    for (name, row), dataset, pace in product(one.rows.items(), one.datasets, one.schedules):
        if dataset not in row.datasets:
            continue
        for order, of_order in _orders(one, row, dataset):
            seen: set[str] = set()
            for seed in row.seeds:
                overrides, config_hash = _command(row, dataset, of_order, pace, seed)
                if config_hash not in seen:
                    seen.add(config_hash)
                    place = (one.name, name, row.value, dataset, order, pace, seed)
                    yield PlannedRun(*place, overrides, config_hash, row.priority)


def _orders(one: Experiment, row: Row, dataset: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the orders of a cell, with their overrides; a method without an order has only "-"."""
    if "order" not in _with_values((f"dataset={dataset}", *row.overrides), ()).method:
        return [("-", ())]
    tried = ((name, order) for name, order in one.orders.items() if name in row.orders)
    return [(name, order.overrides) for name, order in tried if dataset in order.datasets]


def _command(
    row: Row, dataset: str, of_order: tuple[str, ...], pace: str, seed: int
) -> tuple[tuple[str, ...], str]:
    """Return the overrides of a run, and its hash.

    The schedule does not change what the row itself sets. If it makes no difference, it is left out.
    """
    said = (f"dataset={dataset}", *row.overrides, *row.of_dataset.get(dataset, ()))
    own = {override.partition("=")[0]: override for override in said}  # the later override of a setting wins
    composed = tuple(own.values())
    shortened = tuple(one for one in schedule(pace).get(dataset, ()) if one.partition("=")[0] not in own)
    full = _hash(composed, of_order, seed)
    short = _hash(composed, (*shortened, *of_order), seed)
    values = of_order if short == full else (*shortened, *of_order)
    return (*composed, *values, f"seed={seed}"), short


@cache
def _hash(composed: tuple[str, ...], values: tuple[str, ...], seed: int) -> str:
    return hash_of(_settings(composed, values).replace(str(ANY_SEED), str(seed)))


@cache
def _settings(composed: tuple[str, ...], values: tuple[str, ...]) -> str:
    """Return what `config_hash` hashes, with `ANY_SEED`: resolving it for each seed takes far longer."""
    cfg = _with_values(composed, values)
    cfg.seed = ANY_SEED
    return hashed_settings(cfg)


@cache
def _with_values(composed: tuple[str, ...], values: tuple[str, ...]) -> DictConfig:
    """Return composed settings with single values set as by overrides; composing anew takes far longer."""
    chosen = tuple(one for one in composed if _chooses(one))
    set_after = [one for one in composed if not _chooses(one)]
    cfg = OmegaConf.merge(_composed(chosen), OmegaConf.from_dotlist([*set_after, *values]))
    assert isinstance(cfg, DictConfig)
    return cfg


def _chooses(override: str) -> bool:
    """Return whether an override chooses a file of configs/, adds or removes, which needs composing."""
    name = override.partition("=")[0]
    return name.partition("@")[0] in GROUPS or not name[0].isalpha()


@cache
def _composed(overrides: tuple[str, ...]) -> DictConfig:
    return compose("config", list(overrides))
