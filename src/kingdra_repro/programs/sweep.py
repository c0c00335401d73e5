"""Sweeps: the runs that ``n_clusters=2..12`` stands for, and the summary after several runs."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from kingdra_repro.errors import InputError
from kingdra_repro.files import write_table
from kingdra_repro.programs.jobs import Job
from kingdra_repro.runs.display import say

SEVERAL = re.compile(r"n_clusters=(\[[\d,.\s]*\]|[\d,.\s]*(?:\.\.|,)[\d,.\s]*)")
MOST = 100  # numbers of clusters in one range


def expand_sweep(arguments: Sequence[str]) -> list[str]:
    """Return the command line with ``n_clusters=2..5`` or ``n_clusters=[2,3,5]`` as a sweep of Hydra."""
    expanded = list(arguments)
    for place, argument in enumerate(arguments):
        if (found := SEVERAL.fullmatch(argument)) is not None:
            numbers = _numbers(found[1].strip("[]"), argument)
            expanded[place] = f"n_clusters={','.join(map(str, numbers))}"
            if not {"-m", "--multirun"}.intersection(arguments) and len(numbers) > 1:
                expanded.insert(0, "-m")
    return expanded


def _numbers(listed: str, argument: str) -> list[int]:
    numbers: list[int] = []
    for part in listed.replace(" ", "").strip(",").split(","):
        ends = part.split("..")
        if len(ends) > 2 or not all(map(str.isdecimal, ends)):
            raise InputError(f"{argument} is no range: give n_clusters=2..12, or n_clusters=[2,3,5]")
        first, last = int(ends[0]), int(ends[-1])
        if not 2 <= first <= last:
            raise InputError(f"{argument} must be numbers from 2 upwards, such as n_clusters=2..12")
        if last - first >= MOST:
            raise InputError(
                f"{argument} has more than {MOST} numbers: give fewer, such as n_clusters=[10,20]"
            )
        numbers += range(first, last + 1)
    return sorted(set(numbers))


def _varied(jobs: Sequence[Job]) -> dict[str, list[str]]:
    """Return the settings that differ between jobs, with the value in each job; "" if it is not set."""
    given = [dict(one.lstrip("+~").partition("=")[::2] for one in job.overrides) for job in jobs]
    names = sorted(set().union(*given))
    values = {name: [one.get(name, "") for one in given] for name in names}
    return {name: each for name, each in values.items() if len(set(each)) > 1}


def end_sweep(jobs: Sequence[Job], output_dir: Path) -> None:
    """Print the table of a sweep's finished runs, and the recommended number of clusters.

    Writes into ``<output_dir>/sweeps/<hash>/``: ``sweep.csv``, with a column for each setting in which the
    runs differ; and, for each set of runs that differ only in their number of clusters, ``n_clusters.csv``
    and ``n_clusters.png``. If there are several such sets, these names get a number, and the files say which
    settings they are of.
    """
    from kingdra_repro.evaluation.n_clusters import recommend
    from kingdra_repro.report.figures.n_clusters import draw_n_clusters
    from kingdra_repro.runs.listing import n_clusters_table, show_n_clusters, show_runs, tabulate

    # The folder of a failed job may have a damaged result, or that of another run.
    done = [job for job in jobs if not job.failed and (job.folder / "result.json").exists()]
    if not done:
        return
    names = " ".join(sorted(job.folder.name for job in done))
    folder = output_dir / "sweeps" / hashlib.sha256(names.encode()).hexdigest()[:8]
    folder.mkdir(parents=True, exist_ok=True)
    table = tabulate([job.folder for job in done])
    varied = _varied(done)
    for name, values in varied.items():
        if name not in table:
            table.insert(list(table).index("k"), name, values)
    show_runs(table, varied=list(varied))
    if n_relaxed := sum("relaxed" in str(rules) for rules in table["rules"]):
        say(
            f"{n_relaxed} of {len(table)} runs used lower thresholds (rules in sweep.csv), where those given "
            "found too few mini-clusters; pseudo_labels.relax=false keeps to them"
        )
    write_table(folder / "sweep.csv", table)
    say(f"table: {folder / 'sweep.csv'}")
    groups: dict[tuple[str, ...], list[Path]] = {}
    for job in done:
        groups.setdefault(job.overrides, []).append(job.folder)
    several = {given: folders for given, folders in groups.items() if len(folders) > 1}
    common = set.intersection(*map(set, groups))
    for number, (given, folders) in enumerate(several.items()):
        measures = n_clusters_table(folders)
        if measures["k"].nunique() < 2:
            continue
        choice = recommend(measures)
        settings = " ".join(one for one in given if one not in common)
        table = choice.table.assign(settings=settings) if settings else choice.table
        name = "n_clusters" if len(several) == 1 else f"n_clusters_{number}"
        write_table(folder / f"{name}.csv", table)
        draw_n_clusters(choice, folder / f"{name}.png", settings)
        if settings:
            say(f"{settings}:")
        show_n_clusters(choice)
        say(f"picture: {folder / name}.png")
