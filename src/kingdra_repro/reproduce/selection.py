"""The selection of runs from the plan, and the order in which they are made."""

from collections.abc import Sequence

from kingdra_repro.errors import InputError
from kingdra_repro.reproduce.experiments import check_known, experiment
from kingdra_repro.reproduce.plan import PlannedRun

FIRST = ("seeds", "rows")


def select(
    planned: Sequence[PlannedRun],
    schedule: str,
    *,
    only: Sequence[str] | None = None,
    rows: Sequence[str] | None = None,
    datasets: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
) -> list[PlannedRun]:
    """Select the planned runs of a schedule, by experiments, rows, data sets and seeds; None selects all.

    Raises InputError for a name or a seed that none of the experiments has, and if no run is left.
    """
    chosen = [run for run in planned if only is None or run.experiment in only]
    check_known("rows", rows or (), list(dict.fromkeys(name for run in chosen for name in _names(run.row))))
    check_known("datasets", datasets or (), list(dict.fromkeys(run.dataset for run in chosen)))
    if seeds is not None:
        allowed = {seed for name in {run.experiment for run in chosen} for seed in experiment(name).seeds}
        if wrong := [seed for seed in seeds if seed not in allowed]:
            raise InputError(
                f"seeds={wrong[0]} is in none of these experiments: "
                f"choose from {min(allowed)}..{max(allowed)}"
            )
    wanted = [
        run
        for run in chosen
        if run.schedule == schedule
        and (rows is None or not set(rows).isdisjoint(_names(run.row)))
        and (datasets is None or run.dataset in datasets)
        and (seeds is None or run.seed in seeds)
    ]
    if not wanted:
        raise InputError(
            f"No run of the plan matches all of these with schedule={schedule}: give fewer filters"
        )
    return wanted


def _names(row: str) -> list[str]:
    """Return the names that select a row: "1%: Kingdra" for one share of the labels, "Kingdra" for all."""
    return [row, row.partition(": ")[2]] if ": " in row else [row]


def by_value(planned: Sequence[PlannedRun], first: str = "seeds") -> list[PlannedRun]:
    """Return each distinct run once, the most valuable first; a run has the best place among its cells.

    With `first` "seeds", one seed of every cell comes first, then the next seed of every cell; within a seed,
    runs are in order of the rows' priority, then of the plan. With "rows", all seeds of the rows with the
    first priority come first, then those with the next priority.
    """

    def place(run: PlannedRun) -> tuple[int, int]:
        seed = experiment(run.experiment).seeds.index(run.seed)
        return (seed, run.priority) if first == "seeds" else (run.priority, seed)

    distinct: dict[str, PlannedRun] = {}
    for run in sorted(planned, key=place):  # stable
        distinct.setdefault(run.config_hash, run)
    return list(distinct.values())
