"""The program ``kingdra-run``: Hydra around `kingdra_repro.programs.cluster`.

Nothing heavy is imported before a run begins: tab completion and ``--help`` come through here, too.
"""

import os
import sys
from pathlib import Path
from string import Template

import hydra
from hydra import compose, initialize_config_module
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from kingdra_repro.config import register_resolvers, register_schema
from kingdra_repro.programs import main as program
from kingdra_repro.programs.main import complain
from kingdra_repro.programs.sweep import Job, end_sweep, spelt_out
from kingdra_repro.programs.user_errors import user_message

PROGRAM = "kingdra-run"
CONFIGS, VERSION_BASE = "kingdra_repro.configs", "1.3"


def main() -> None:
    """Run what the command line asks for; the exit statuses are those of `kingdra_repro.programs.main`."""
    program.main(PROGRAM, run, user_message)


def run() -> int:
    """Carry out the command line: a run, or a sweep of several.

    Returns
    -------
    int
        Exit status: 2 where a job failed of a user's mistake; the other jobs of a sweep run all the same.
    """
    # Hydra then raises, instead of printing a traceback and exiting with status 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    register_schema()
    register_resolvers()
    if sys.argv[1:] in (["--help"], ["-h"]):
        print(help_text())
        return 0
    sys.argv[1:] = spelt_out(sys.argv[1:])
    # Hydra wants -m before all settings or after them, not between.
    sys.argv[1:] = sorted(sys.argv[1:], key=lambda argument: argument not in ("-m", "--multirun"))
    this_process = os.getpid()
    failed: list[str] = []
    jobs: list[Job] = []
    output_dir = Path()

    def job(cfg: DictConfig) -> None:
        from kingdra_repro.programs.cluster import cluster

        nonlocal output_dir
        output_dir = Path(cfg.output_dir)
        jobs.append(_job())
        try:
            cluster(cfg)
        except Exception as error:
            line = user_message(error, cfg)
            # A launcher that runs jobs in other processes learns of a failure from the exception alone.
            if line is None or os.getpid() != this_process:
                raise
            # Not raised: Hydra would print a line of its own. No exit either: a sweep has other jobs to do.
            complain(PROGRAM, line)
            failed.append(_job_name())

    hydra.main(version_base=VERSION_BASE, config_path=f"pkg://{CONFIGS}", config_name="config")(job)()
    if len(jobs) > 1:
        end_sweep(jobs, output_dir)
    if any(failed):
        complain(PROGRAM, f"{len(failed)} of the sweep's jobs failed: {'; '.join(failed)}")
    return 2 if failed else 0


def help_text() -> str:
    """Return what Hydra would print, which takes seconds for lists of options that our template has not."""
    with initialize_config_module(CONFIGS, version_base=VERSION_BASE):
        template = compose("config", return_hydra_config=True).hydra.help.template
    return Template(template).substitute()


def _job() -> Job:
    hydra_s = HydraConfig.get()
    given = (one for one in hydra_s.overrides.task if not one.startswith("n_clusters="))
    return Job(Path(hydra_s.runtime.output_dir), tuple(sorted(given)))


def _job_name() -> str:
    """Return what tells a job of a sweep from the others, e.g. ``#1 seed=3``; nothing for a single run."""
    settings = HydraConfig.get()
    return f"#{settings.job.num} {settings.job.override_dirname}" if settings.mode == RunMode.MULTIRUN else ""
