"""What to run and show, as read from configs/experiment, configs/rows.yaml and configs/schedule."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from kingdra_repro.config import names, read_config
from kingdra_repro.errors import InputError


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Parameters
    ----------
    overrides : overrides of kingdra-run
    value : the column of runs.csv that fills the row's cells
    priority : rows are run in ascending order of it
    datasets, orders, seeds : those of the experiment that apply to this row
    of_dataset : additional overrides by data set
    """

    overrides: tuple[str, ...]
    value: str
    priority: int
    datasets: tuple[str, ...]
    orders: tuple[str, ...]
    seeds: tuple[int, ...]
    of_dataset: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Order:
    """An order of the batches: its overrides, and the data sets on which it is used."""

    overrides: tuple[str, ...]
    datasets: tuple[str, ...]


@dataclass(frozen=True)
class Heading:
    """The title of a table, and a caption that says what its cells show; None: the caption for accuracies."""

    title: str
    caption: str | None


@dataclass(frozen=True)
class Experiment:
    """A table or figure: rows x data sets x orders x schedules x seeds.

    Parameters
    ----------
    name : str
    kind : "accuracy", "labels", "cost" or "thresholds": what its tables show; "figure": it has no tables
    tables : headings of its tables, by name
    figure : title of its figure; None if it has none
    paper : name in paper.yaml of the table of the paper whose numbers are shown next to ours
    in_readme : whether the README shows it
    rows : rows, by name
    datasets : names of files in configs/dataset
    orders : orders of the batches, by name; methods without an order have only "-"
    schedules : names of files in configs/schedule
    seeds : one run for each seed
    """

    name: str
    kind: str
    tables: Mapping[str, Heading]
    figure: str | None
    paper: str
    in_readme: bool
    rows: Mapping[str, Row]
    datasets: tuple[str, ...]
    orders: Mapping[str, Order]
    schedules: tuple[str, ...]
    seeds: tuple[int, ...]


@cache
def experiment(name: str) -> Experiment:
    """Read configs/experiment/<name>.yaml.

    Raises InputError if there is no such file, or if it names a row that is not in configs/rows.yaml.
    """
    cfg = _read("experiment", name)
    datasets = tuple(cfg["datasets"])
    orders = {
        str(order): Order(tuple(node["overrides"]), tuple(node.get("datasets", datasets)))
        for order, node in cfg["orders"].items()
    }
    known: dict[str, list[str]] = read_config("rows")
    check_known("row", (node.get("row", row) for row, node in cfg["rows"].items()), list(known))
    rows = {
        f"{part}: {row}" if part else str(row): Row(
            (*known[node.get("row", row)], *node.get("overrides", ()), *more),
            node.get("value", "acc"),
            node["priority"],
            tuple(node.get("datasets", datasets)),
            tuple(node.get("orders", orders)),
            parse_seeds(node.get("seeds", cfg["seeds"])),
            {dataset: tuple(overrides) for dataset, overrides in node.get("of_dataset", {}).items()},
        )
        for row, node in cfg["rows"].items()
        for part, more in cfg.get("parts", {"": ()}).items()
    }
    schedules = tuple(cfg.get("schedules", names("schedule")))
    headings = {} if cfg["kind"] == "figure" else cfg.get("tables", {name: cfg})
    return Experiment(
        name,
        cfg["kind"],
        {table: Heading(node.get("title", table), node.get("caption")) for table, node in headings.items()},
        cfg.get("figure"),
        cfg.get("paper", name),
        cfg.get("in_readme", False),
        rows,
        datasets,
        orders,
        schedules,
        parse_seeds(cfg["seeds"]),
    )


@cache
def experiments() -> tuple[Experiment, ...]:
    """Return all experiments that configs/reproduce.yaml names, in its order."""
    return tuple(experiment(name) for name in read_config("reproduce")["experiments"])


@cache
def schedule(name: str) -> Mapping[str, tuple[str, ...]]:
    """Read configs/schedule/<name>.yaml: overrides by data set, for the data sets that have any."""
    return {dataset: tuple(overrides) for dataset, overrides in _read("schedule", name)["shortened"].items()}


def parse_seeds(given: str | int | Sequence[int]) -> tuple[int, ...]:
    """Parse seeds given as ``0..4`` (both ends included), ``0,2,5..7``, a number, or a list of numbers."""
    if isinstance(given, int):
        given = [given]
    seeds: list[int] = []
    for part in given.split(",") if isinstance(given, str) else map(str, given):
        first, dots, last = part.strip().partition("..")
        if not first.isdecimal() or (dots and not last.isdecimal()) or (dots and int(first) > int(last)):
            raise InputError(
                f"seeds must be a range or list of integers; got {given}: "
                "give seeds=0..4, seeds=3 or seeds=0,2,5"
            )
        seeds += range(int(first), int(last or first) + 1)
    return tuple(dict.fromkeys(seeds))


def check_known(setting: str, given: Iterable[str], known: Sequence[str]) -> None:
    """Raise InputError for a name that is not known, with the known name that was probably meant."""
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
            meant = f" (did you mean {close[0]}?)" if close else ""
            raise InputError(f"unknown {setting}={name}: choose from {', '.join(known)}{meant}")


def _read(group: str, name: str) -> dict[str, Any]:
    check_known("only" if group == "experiment" else group, [name], names(group))
    return read_config(group, name)
