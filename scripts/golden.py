"""Writes tests/golden anew: what a change of the code must leave as it is, unless it means to change it.

    python -m scripts.golden                  all of it
    python -m scripts.golden hashes plan      these alone

hashes.csv    config_hash of 8 data sets x 9 bases x 7 choices of method and pseudo-labels, and of the methods
              without a base: committed runs are found again by it
plan.json     how many runs each experiment plans, and a checksum of all of them, in any order
params.json   get_params() of each estimator
losses.json   losses of 20 steps as in scripts/losses.py, and the machine that computed them

tests/test_golden.py compares. See in `git diff tests/golden` whether the change is the one that was meant.
"""

import hashlib
import inspect
import json
import platform
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from sklearn.base import BaseEstimator

from kingdra_repro import methods
from kingdra_repro.config import all_settings, names
from kingdra_repro.files import write_table
from kingdra_repro.reproduce.plan import PlannedRun, matched, plan
from kingdra_repro.reproduce.settings import settings
from kingdra_repro.reproduce.store import read_runs
from kingdra_repro.resolvers import register_resolvers
from kingdra_repro.runs.folder import config_hash
from scripts.losses import BASES, trace

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden"
CHOICES = {
    "graph": ("method=kingdra", "pseudo_labels=graph"),
    "argmax": ("method=kingdra", "pseudo_labels=argmax"),
    "kmeans": ("method=kingdra", "pseudo_labels=kmeans"),
    "threshold": ("method=kingdra", "pseudo_labels=threshold"),
    "kingdra_plus": ("method=kingdra_plus",),
    "single": ("method=single",),
    "semi_supervised": ("method=semi_supervised",),
}
WITHOUT_BASE = ("kmeans", "agglomerative", "dae_kmeans", "dvae_kmeans", "dec", "deepcluster")


def cells() -> list[tuple[str, str, str]]:
    """Data set, base and choice; "-" and the method for those without a base."""
    with_base = product(names("dataset"), names("base"), CHOICES)
    return [*with_base, *product(names("dataset"), "-", WITHOUT_BASE)]


def hashes(wanted: Iterable[tuple[str, str, str]]) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Compose each cell as the command line does, and yield it with its config hash."""
    register_resolvers()
    for dataset, base, choice in wanted:
        method = (f"method={choice}",) if base == "-" else (f"base={base}", *CHOICES[choice])
        path = ["dataset.path=none.csv"] if dataset == "custom" else []
        yield (dataset, base, choice), config_hash(all_settings([f"dataset={dataset}", *method, *path]))


def whole_plan() -> list[PlannedRun]:
    """What kingdra-reproduce runs."""
    return plan(list(settings([]).experiments))


def plan_summary(planned: list[PlannedRun]) -> dict[str, Any]:
    """Counts, and a checksum of all that the plan says."""
    by_experiment: dict[str, list[str]] = {}
    for run in planned:
        by_experiment.setdefault(run.experiment, []).append(run.config_hash)
    fields = list(PlannedRun.__dataclass_fields__)
    lines = "\n".join(sorted(str([getattr(run, name) for name in fields]) for run in planned))
    runs = read_runs(ROOT / "results")
    return {
        "entries": len(planned),
        "hashes": len({run.config_hash for run in planned}),
        "experiments": {
            name: {"entries": len(found), "hashes": len(set(found))} for name, found in by_experiment.items()
        },
        "sha256": hashlib.sha256(lines.encode()).hexdigest(),
        "committed_runs_in_plan": int(runs["config_hash"].isin({run.config_hash for run in planned}).sum()),
        "cells_with_a_run": len(matched(planned, runs)),
    }


def params() -> dict[str, dict[str, str]]:
    """Parameters and defaults, as Python, of each estimator that `kingdra_repro.methods` exports."""
    exported = (getattr(methods, name) for name in methods.__all__)
    estimators = [kind for kind in exported if inspect.isclass(kind) and issubclass(kind, BaseEstimator)]
    return {
        kind.__name__: {name: repr(value) for name, value in kind().get_params(deep=False).items()}
        for kind in estimators
    }


def machine() -> str:
    """What equal seeds give equal bits on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{platform.system()} {platform.machine()}, {model}, {capability}, torch {torch.__version__}"


def losses() -> dict[str, list]:
    """Total losses of four models at 20 steps, for each base of scripts/losses.py: [20][4]."""
    return {name: trace(name, (0, 1, 2, 3), torch.device("cpu")).tolist() for name in BASES}


def write_hashes() -> None:
    rows = [(*cell, found) for cell, found in hashes(cells())]
    table = pd.DataFrame(rows, columns=["dataset", "base", "choice", "config_hash"])
    write_table(GOLDEN / "hashes.csv", table)


def main(wanted: Sequence[str]) -> int | str:
    """Write the named files, or all; an exit status, or what is wrong."""
    makers: dict[str, Callable[[], Any]] = {
        "plan": lambda: plan_summary(whole_plan()),
        "params": params,
        "losses": lambda: {"machine": machine(), "losses": losses()},
    }
    known = ["hashes", *makers]
    if unknown := [name for name in wanted if name not in known]:
        return f"unknown file {unknown[0]}: choose from {', '.join(known)}"
    torch.set_num_threads(1)
    GOLDEN.mkdir(exist_ok=True)
    for name in wanted or known:
        if name == "hashes":
            write_hashes()
            continue
        indent = None if name == "losses" else 1
        (GOLDEN / f"{name}.json").write_text(json.dumps(makers[name](), indent=indent) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
