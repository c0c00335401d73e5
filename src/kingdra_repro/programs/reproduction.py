"""What `kingdra-reproduce` does: settings -> plan -> missing runs -> results -> tables, figures, page."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig

from kingdra_repro.config import names
from kingdra_repro.data.download.fetch import is_url
from kingdra_repro.devices import choose_devices
from kingdra_repro.errors import InputError
from kingdra_repro.files import file_lock
from kingdra_repro.provenance import code_version, commit
from kingdra_repro.reproduce import child
from kingdra_repro.reproduce.display import PlanDisplay, describe_run
from kingdra_repro.reproduce.estimate import Estimate, show_time_left
from kingdra_repro.reproduce.experiments import check_known, parse_seeds
from kingdra_repro.reproduce.failures import forget_failures
from kingdra_repro.reproduce.launchers import Launch, Launcher, one_by_one
from kingdra_repro.reproduce.packed import check_archive
from kingdra_repro.reproduce.plan import PlannedRun, join_results, plan
from kingdra_repro.reproduce.runner import Outcome, Runner
from kingdra_repro.reproduce.selection import FIRST, by_value, select
from kingdra_repro.reproduce.settings import as_override, parse_duration, split_names
from kingdra_repro.reproduce.store import check_readable, keep_shown, merge, read_runs, tidy
from kingdra_repro.training.progress import show_duration

FORWARDED_SETTINGS = ("mirror", "data_dir", "device", "n_jobs")
RUN_ONLY_SETTINGS = (
    *("rows", "datasets", "seeds"),
    *("budget", "archive", "launcher", "n", "one_process", "again"),
)


def reproduce(cfg: DictConfig) -> int:
    """Run one command; return the exit status, 1 if a run failed."""
    if cfg.dry_run and (cfg.merge is not None or cfg.only_report):
        raise InputError("dry_run=true lists what would be run: leave out merge= and only_report=")
    _refuse_settings_of_runs(cfg)
    if empty := [name for name in ("merge", "results", "output_dir", "archive") if cfg[name] == ""]:
        raise InputError(f"{empty[0]}= is empty: give a folder, or leave it out")
    launcher, n = _launcher(cfg)
    results, output_dir = Path(cfg.results), Path(cfg.output_dir)
    budget = None if cfg.budget is None else parse_duration(cfg.budget)
    device = choose_devices("cpu" if launcher else cfg.device or "auto", cfg.n_jobs)[0].type
    if launcher is not None:
        device = launcher.device_type(cfg.device or "auto")
    _check_mirror(cfg.mirror)
    planned, wanted = _plan(cfg)
    if cfg.merge is not None:
        found, new = merge(results, Path(cfg.merge))
        forget_failures(results, read_runs(results)["config_hash"])
        print(f"{found} runs in {cfg.merge}, {new} of them new")

    def estimate() -> Estimate:
        return Estimate(join_results(planned, read_runs(results)), device)

    outcome = Outcome()
    if cfg.merge is None and not cfg.only_report:
        code = code_version(commit())
        if cfg.again and (code == "unknown" or code.endswith("-dirty")):
            raise InputError(
                f"again=true tells versions of the code by their commit, and this is {code}: commit first, "
                "or give fresh results= and output_dir="
            )
        if cfg.again:  # kingdra-run finds a finished run by its folder, whatever code made it
            output_dir = output_dir / "again" / code
        if cfg.dry_run:
            _list(_missing(wanted, read_runs(results), code if cfg.again else None), estimate())
            return 0
        check_readable(results)
        archive = None if cfg.archive is None else Path(cfg.archive)
        if archive is not None:
            check_archive(archive)
        forwarded = [as_override(one, cfg[one]) for one in FORWARDED_SETTINGS if cfg[one] is not None]
        results.mkdir(parents=True, exist_ok=True)
        with file_lock(output_dir / "kingdra-reproduce") as lock:
            missing = _missing(wanted, read_runs(results), code if cfg.again else None)
            one_process = device == "cuda" if cfg.one_process is None else cfg.one_process
            launch: Launch = partial(one_by_one, child.run)
            if launcher is not None:
                launch = launcher.launch
            elif one_process:
                from kingdra_repro.programs import in_process

                launch = partial(one_by_one, in_process.run)
            runner = Runner(results, output_dir, forwarded, lock, estimate, archive)
            with PlanDisplay(len(missing), launcher is not None) as display:
                outcome = runner.run(launch, n, missing, budget, display)
        print(_summary(outcome, len(wanted), results))
    if cfg.report:
        write_reports(results, planned)
        print(f"tables, figures and report.html: {results}")
    return 1 if outcome.failed else 0


def _refuse_settings_of_runs(cfg: DictConfig) -> None:
    """Raise InputError for settings of runs if nothing is run, rather than ignore them."""
    if not cfg.only_report and cfg.merge is None:
        return
    if cfg.only_report and not cfg.report:
        raise InputError("only_report=true and report=false leave nothing to do: leave one of them out")
    if given := [name for name in RUN_ONLY_SETTINGS if cfg[name] is not None and cfg[name] is not False]:
        runs_nothing = "only_report=true" if cfg.only_report else f"merge={cfg.merge}"
        raise InputError(f"{given[0]}= is for runs, and {runs_nothing} makes none: leave one of them out")


def _launcher(cfg: DictConfig) -> tuple[Launcher | None, int]:
    """Return the launcher that makes several runs at a time, or None, and the number of runs at a time."""
    if cfg.n is not None and cfg.n < 1:
        raise InputError(f"n must be an integer of at least 1; got {cfg.n}")
    if cfg.launcher is None:
        if cfg.n is not None:
            raise InputError(f"n={cfg.n} is for several runs at a time: give launcher=joblib, too")
        return None, 1
    if cfg.one_process:
        raise InputError("one_process=true makes one run after the other: leave out launcher=")
    return instantiate(cfg.launcher), cfg.n or os.cpu_count() or 1


def _check_mirror(mirror: str | None) -> None:
    """Raise InputError for a missing mirror; otherwise every run would fail, with a line in the tables."""
    if mirror is not None and not is_url(mirror) and not Path(mirror).expanduser().is_dir():
        raise InputError(f"mirror={mirror} does not exist, or is no folder: correct it, or leave it out")


def write_reports(results: Path, planned: Sequence[PlannedRun]) -> None:
    """Write tables, figures and, if there is a run, the page, and remove files that they do not show.

    Tables cover the whole plan: a run that is missing is an empty cell.
    """
    # Imported here because matplotlib and more are needed only at the end.
    from kingdra_repro.report.figures import draw_paper_figures
    from kingdra_repro.report.page import write_report
    from kingdra_repro.report.shown_files import runs_to_keep
    from kingdra_repro.report.tables import write_tables

    results.mkdir(parents=True, exist_ok=True)
    tidy(results)
    runs = read_runs(results)
    cells = join_results(planned, runs)
    write_tables(results, planned, cells)
    keep_shown(results, runs_to_keep(results, planned, cells), set(runs["folder"]))
    draw_paper_figures(results, cells)
    if not runs.empty:
        write_report(results)


def _plan(cfg: DictConfig) -> tuple[list[PlannedRun], list[PlannedRun]]:
    """Return the whole plan, from which tables are made, and the wanted runs, the most valuable first."""
    only = split_names(cfg.only)
    check_known("only", only or (), names("experiment"))
    check_known("first", [cfg.first], FIRST)
    seeds = split_names(cfg.seeds)
    seeds_wanted = None if seeds is None else parse_seeds(",".join(seeds))
    planned = plan(list(dict.fromkeys([*cfg.experiments, *(only or ())])))
    wanted = select(
        planned,
        cfg.schedule.name,
        only=only,
        rows=split_names(cfg.rows),
        datasets=split_names(cfg.datasets),
        seeds=seeds_wanted,
    )
    return planned, by_value(wanted, cfg.first)


def _missing(wanted: Sequence[PlannedRun], runs: pd.DataFrame, code: str | None) -> list[PlannedRun]:
    """Return the wanted runs that results/ lacks; with `code`, those that it lacks from that version."""
    done = set(runs["config_hash"] if code is None else runs.loc[runs["code"] == code, "config_hash"])
    return [run for run in wanted if run.config_hash not in done]


def _list(missing: Sequence[PlannedRun], estimate: Estimate) -> None:
    """Print the runs that would be made, and how long they may take."""
    for run in missing:
        seconds = estimate.seconds(run)
        length = "?" if seconds is None else show_duration(seconds)
        print(f"{describe_run(run)}: {length}; kingdra-run {' '.join(run.overrides)}")
    left = f", {show_time_left(*estimate.total(missing), len(missing))}" if missing else ""
    print(f"{len(missing)} runs are missing{left}")


def _summary(outcome: Outcome, n_wanted: int, results: Path) -> str:
    n_run = len(outcome.done) + len(outcome.failed) + len(outcome.interrupted)
    if n_run + len(outcome.waiting) == 0:
        return f"nothing to run: all {n_wanted} runs are in {results / 'runs.csv'}"
    parts = [f"{len(outcome.done)} runs done"]
    if outcome.failed:
        parts.append(f"{len(outcome.failed)} failed, see {results / 'failed.csv'}")
    if outcome.interrupted or outcome.waiting:
        parts.append(f"{len(outcome.interrupted) + len(outcome.waiting)} left for lack of time")
    return "; ".join(parts)
