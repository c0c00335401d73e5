"""The program `kingdra-data`: list, prepare and check the data sets."""

import logging
import sys
import time
from collections.abc import Sequence
from functools import partial

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kingdra_repro.config import all_settings
from kingdra_repro.data.catalog import CATALOG
from kingdra_repro.data.check import CheckResult, check_dataset
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.download.fetch import NotLocalError, offline
from kingdra_repro.data.locate import locate, prepared_folders
from kingdra_repro.errors import InputError
from kingdra_repro.programs import main as program
from kingdra_repro.programs.user_errors import user_message

HELP = """kingdra-data prepares the data sets that kingdra-run clusters.

  kingdra-data list                        list all data sets, with their sizes and locations
  kingdra-data prepare dataset=cifar10     download, verify, compute the features; skip what is done
  kingdra-data check                       compare local data with what is expected (dataset=NAME: only one)

kingdra-run prepares a data set itself if needed; kingdra-data does so beforehand. It has kingdra-run's
settings, such as:

  mirror=DIR             a folder or URL with the files, for machines without internet
  data_dir=DIR           where files are kept; default: KINGDRA_DATA_DIR, or the user's cache folder
  dataset.resize=224     or another setting that `kingdra-run dataset=NAME --cfg job` lists below `dataset`
"""


def main() -> None:
    """Run the command line and exit, with status 1 if `check` finds something wrong."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    program.main("kingdra-data", lambda: run(sys.argv[1:]), partial(user_message, sweeps=False))


def run(arguments: Sequence[str]) -> int:
    """Run one command, ``list``, ``prepare`` or ``check``, with overrides in Hydra's form.

    Returns the exit status: 1 if `check` finds something wrong.
    """
    command, *overrides = arguments or ["--help"]
    if command in ("--help", "-h", "help"):
        print(HELP, end="")
        return 0
    if command not in ("list", "prepare", "check"):
        raise InputError(f"unknown command {command}: choose from list, prepare, check (kingdra-data --help)")
    chosen = [override.removeprefix("dataset=") for override in overrides if override.startswith("dataset=")]
    settings = all_settings(overrides)
    if command == "list":
        return list_datasets(settings)
    if command == "prepare":
        if not chosen:
            raise InputError(f"dataset=NAME is missing: choose from {', '.join(CATALOG)}")
        return prepare(chosen[-1], settings)
    is_default = not any(override.startswith("dataset.") for override in overrides)
    return check(chosen[-1] if chosen else None, settings, is_default)


def list_datasets(settings: DictConfig) -> int:
    """Print a table of all data sets: name, n, d, k, location, size and licence."""
    table = Table("name", "n", "d", "k", "where it is", "size", "licence")
    for column in table.columns[1:4]:
        column.justify = "right"
    table.columns[4].overflow = "fold"
    for known in CATALOG.values():
        found = locate(known, settings.data_dir, settings.mirror)
        size = "" if found.n_bytes is None else f"{found.n_bytes / 1e6:,.1f} MB"
        table.add_row(
            known.name, f"{known.n:,}", f"{known.d:,}", str(known.k), Text(found.place), size, known.licence
        )
    Console().print(table)
    return 0


def prepare(name: str, settings: DictConfig) -> int:
    """Load a data set once, so that all its files are prepared, and print a summary."""
    known = CATALOG.get(name)
    was_ready = known is not None and locate(known, settings.data_dir, settings.mirror).ready
    folders = [] if known is None else prepared_folders(known, settings.data_dir)
    start = time.monotonic()
    data: Dataset = instantiate(settings.dataset)
    seconds = time.monotonic() - start
    place = "" if known is None else f"; {locate(known, settings.data_dir, settings.mirror).place}"
    done_before = was_ready and known is not None and prepared_folders(known, settings.data_dir) == folders
    how = f"loaded in {seconds:.1f} s, nothing to prepare" if done_before else f"prepared in {seconds:.1f} s"
    n, d = data.X.shape
    print(f"{name}: {n} x {d}, {data.n_clusters} clusters; {how}{place}")
    return 0


def check(name: str | None, settings: DictConfig, default_settings: bool) -> int:
    """Check one data set, or all that are ready, and print the results; return 1 if one is wrong, else 0."""
    if name is not None and name not in CATALOG:
        raise InputError(f"dataset={name} has no expectations to check: choose from {', '.join(CATALOG)}")
    table = Table("data set", "checked", "", "found")
    table.columns[3].overflow = "fold"
    n_wrong = 0
    for known in CATALOG.values() if name is None else [CATALOG[name]]:
        one = settings
        if name is None:  # the data folder and mirror of these settings; otherwise its own defaults
            own = [f"{key}={settings[key]}" for key in ("data_dir", "mirror") if settings[key] is not None]
            one = all_settings([f"dataset={known.name}", *own])
        try:
            if not locate(known, settings.data_dir, settings.mirror).ready:
                raise NotLocalError
            with offline():  # the local files may be of other settings
                data: Dataset = instantiate(one.dataset)
            results = check_dataset(data, known, one.data_dir, one.mirror, default_settings=default_settings)
        except (InputError, InstantiationException) as error:
            if isinstance(error, NotLocalError) or isinstance(error.__cause__, NotLocalError):
                if name is not None:
                    raise InputError(
                        f"{name} is not prepared with these settings: kingdra-data prepare dataset={name} "
                        "with them first"
                    ) from error
                table.add_row(known.name, "", "", "not prepared with these settings")
                continue
            results = [CheckResult("loading", False, user_message(error) or str(error))]
        for result in results:
            table.add_row(known.name, result.name, "ok" if result.ok else "WRONG", Text(result.message))
            n_wrong += not result.ok
    Console().print(table)
    return 1 if n_wrong else 0
