"""Regenerate tests/golden: values that a code change must preserve unless it means to change them.

    python -m scripts.golden                  all files
    python -m scripts.golden hashes plan      only these files

hashes.csv    config_hash of 8 data sets x 9 bases x 7 choices of method and pseudo-labels, and of the methods
              without a base; committed runs are looked up by this hash
plan.json     number of runs that each experiment plans, and a checksum of all runs that ignores their order
params.json   get_params() of each estimator
losses.json   losses of 20 steps as in scripts/losses.py, and the machine that computed them

tests/test_golden.py compares these files. After regenerating, check in `git diff tests/golden` that only the
intended values changed.
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
from kingdra_repro.reproduce.plan import PlannedRun, join_results, plan
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
    """Return data set, base and choice; methods without a base have "-" as base and the method as choice."""
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
    """Return all runs that kingdra-reproduce plans by default."""
    return plan(list(settings([]).experiments))


def plan_summary(planned: list[PlannedRun]) -> dict[str, Any]:
    """Return counts and a checksum of the whole plan."""
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
        "cells_with_a_run": len(join_results(planned, runs)),
    }


def params() -> dict[str, dict[str, str]]:
    """Return parameters and defaults (repr) of each estimator that `kingdra_repro.methods` exports."""
    exported = (getattr(methods, name) for name in methods.__all__)
    estimators = [kind for kind in exported if inspect.isclass(kind) and issubclass(kind, BaseEstimator)]
    return {
        kind.__name__: {name: repr(value) for name, value in kind().get_params(deep=False).items()}
        for kind in estimators
    }


def machine() -> str:
    """Describe the machine: equal seeds give bitwise equal losses only where all of this is equal."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{platform.system()} {platform.machine()}, {model}, {capability}, torch {torch.__version__}"


def losses() -> dict[str, list]:
    """Compute the total losses of four models at 20 steps, for each base of scripts/losses.py: [20][4]."""
    return {name: trace(name, (0, 1, 2, 3), torch.device("cpu")).tolist() for name in BASES}


def write_hashes() -> None:
    rows = [(*cell, found) for cell, found in hashes(cells())]
    table = pd.DataFrame(rows, columns=["dataset", "base", "choice", "config_hash"])
    write_table(GOLDEN / "hashes.csv", table)


def main(wanted: Sequence[str]) -> int | str:
    """Write the named files, or all; return an exit status or an error message."""
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
