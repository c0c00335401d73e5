"""The program ``kingdra-run``: Hydra around `kingdra_repro.programs.cluster`.

Nothing heavy is imported before a run starts, because tab completion and ``--help`` use this module, too.
"""

import os
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from string import Template

import hydra
from hydra import compose, initialize_config_module
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from kingdra_repro.config import CONFIGS, VERSION_BASE, register_schema
from kingdra_repro.own_configs import own_folders, register_own_pages
from kingdra_repro.programs import main as program
from kingdra_repro.programs.jobs import Job, SweepJobs
from kingdra_repro.programs.main import Stopped, complain, find_interrupt
from kingdra_repro.programs.sweep import end_sweep, expand_sweep
from kingdra_repro.programs.user_errors import user_message
from kingdra_repro.resolvers import register_resolvers

PROGRAM = "kingdra-run"
OF_SLURM = ("slurm", "submitit_slurm")  # launchers whose jobs outlive this program
STILL_AT_WORK = (
    "no longer waiting: the jobs that were sent go on, and the same command later shows what they came to; "
    "scancel --name=kingdra-run ends those of Slurm"
)


def main() -> None:
    """Run the command line and exit; the exit statuses are those of `kingdra_repro.programs.main`."""
    program.main(PROGRAM, run, user_message)


def run() -> int:
    """Make the run, or the sweep of several runs, that the command line asks for.

    Returns the exit status: 2 if a job failed because of a user error, 1 if because of a bug or if the
    launcher gave up. If a job of a sweep fails, the other jobs still run.
    """
    # Hydra then raises the error instead of printing a traceback and exiting with status 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    register_schema()
    register_resolvers()
    if sys.argv[1:] in (["--help"], ["-h"]):
        print(help_text())
        return 0
    sys.argv[1:] = expand_sweep(sys.argv[1:])
    # Hydra accepts -m before all settings or after them, but not in between.
    sys.argv[1:] = sorted(sys.argv[1:], key=lambda argument: argument not in ("-m", "--multirun"))
    register_own_pages(own_folders(sys.argv[1:]))
    SweepJobs.of_this_process = None
    mistakes: list[str] = []  # of a single run
    gave_up: Exception | None = None

    def job(cfg: DictConfig) -> dict[str, str] | None:
        if (sweep := SweepJobs.of_this_process) is not None:
            return _one_of_several(cfg, sweep)
        if (launcher := HydraConfig.get().runtime.choices["hydra/launcher"]) != "basic":
            mistakes.append(f"hydra/launcher={launcher} sends the runs of a sweep: add -m")
            return None
        try:
            _cluster(cfg)
        except Exception as error:
            if find_interrupt(error) is not None or (line := user_message(error, cfg)) is None:
                raise
            mistakes.append(line)  # not raised: Hydra would print a line of its own
        return None

    try:
        hydra.main(version_base=VERSION_BASE, config_path=f"pkg://{CONFIGS}", config_name="config")(job)()
    except Exception as error:
        gave_up = error
    except KeyboardInterrupt as stop:
        if (sweep := SweepJobs.of_this_process) is not None and not _goes_on(sweep, stop):
            sweep.take()
        raise
    sweep = SweepJobs.of_this_process
    jobs: list[Job] = [] if sweep is None else sweep.take()
    if gave_up is not None and not jobs:
        raise gave_up  # in a single run, or before the first job of a sweep
    for line in mistakes:
        complain(PROGRAM, line)
    return (2 if mistakes else 0) if sweep is None else _end(sweep, jobs, gave_up)


def help_text() -> str:
    """Return what Hydra would print; Hydra takes seconds to list options that our template does not show."""
    with initialize_config_module(CONFIGS, version_base=VERSION_BASE):
        template = compose("config", return_hydra_config=True).hydra.help.template
    return Template(template).substitute()


def _one_of_several(cfg: DictConfig, sweep: SweepJobs) -> dict[str, str] | None:
    """Make a job of a sweep; if it fails, return why, as an exception would stop the other jobs."""
    if not sweep.is_worker_process():
        return _failure(cfg)
    if sweep.launcher not in OF_SLURM:  # the jobs share the machine's cores and GPUs
        cfg.n_jobs = 1 if cfg.n_jobs == -1 else cfg.n_jobs
        from kingdra_repro.devices import round_robin_device  # torch takes seconds to load

        cfg.device = round_robin_device(cfg.device, HydraConfig.get().job.num)
    folder = Path(HydraConfig.get().runtime.output_dir)
    log = Path(cfg.output_dir) / "logs" / f"{folder.name.rpartition('-')[2]}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a", encoding="utf-8") as file, redirect_stdout(file), redirect_stderr(file):
        return _failure(cfg)


def _failure(cfg: DictConfig) -> dict[str, str] | None:
    """Make a run; if it fails, print why at once, and return it."""
    try:
        _cluster(cfg)
    except Exception as error:
        if (stop := find_interrupt(error)) is not None:
            raise stop from error
        if (line := user_message(error, cfg)) is not None:
            complain(PROGRAM, line)
            return {"failed": line}
        traceback.print_exc()
        return {"failed": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
    return None


def _cluster(cfg: DictConfig) -> None:
    if told := sys.stderr.isatty() and "torch" not in sys.modules:  # importing torch takes seconds
        print("starting ...", end="\r", file=sys.stderr, flush=True)
    from kingdra_repro.programs.cluster import cluster

    if told:
        print(end="\x1b[2K", file=sys.stderr, flush=True)  # clears the line
    cluster(cfg)


def _goes_on(sweep: SweepJobs, stop: KeyboardInterrupt) -> bool:
    """Return whether the jobs of an interrupted sweep go on without this program; if so, `stop` says so."""
    local = "local" in sweep.launcher and isinstance(stop, Stopped)  # Ctrl-C reaches them from the terminal
    if local or sweep.launcher in OF_SLURM:
        stop.args = (STILL_AT_WORK,)
    return local or sweep.launcher in OF_SLURM


def _end(sweep: SweepJobs, jobs: list[Job], gave_up: Exception | None) -> int:
    """Report on the jobs of a sweep, and return the exit status."""
    failed = [job for job in jobs if job.failed]
    if sweep.launcher != "basic":  # which has already reported them
        for job in failed:
            print(job.traceback or "", end="", file=sys.stderr)
            complain(PROGRAM, f"{job.name}: {job.failed}")
    if len(jobs) > 1:
        end_sweep(jobs, sweep.output_dir)
    if failed:
        complain(
            PROGRAM, f"{len(failed)} of the sweep's jobs failed: {'; '.join(job.name for job in failed)}"
        )
    if gave_up is not None:
        why = " ".join(f"{type(gave_up).__name__}: {gave_up}".split())
        complain(PROGRAM, f"hydra/launcher={sweep.launcher} gave up: the same command goes on ({why})")
    if gave_up is not None or any(job.traceback for job in failed):
        return 1
    return 2 if failed else 0
