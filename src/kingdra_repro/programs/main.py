"""The console function ``kingdra-run``: Hydra around the program of cli.py, and mistakes told in one line.

Nothing heavy is imported before a run begins: tab completion and ``--help`` come through here, too.
"""

import os
import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from kingdra_repro.config import register_resolvers, register_schema
from kingdra_repro.programs.user_errors import one_line


def main() -> None:
    """Run what the command line asks for.

    Exits with status 0; with 2 for a user's mistake (in a sweep: where any job failed of one; others run);
    with 130 when interrupted from the keyboard. A defect of the program is raised, with its traceback.
    """
    # Hydra then raises, instead of printing a traceback and exiting with status 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    register_schema()
    register_resolvers()
    # Hydra wants -m before all settings or after them, not between.
    sys.argv[1:] = sorted(sys.argv[1:], key=lambda argument: argument not in ("-m", "--multirun"))
    this_process = os.getpid()
    failed: list[str] = []

    def job(cfg: DictConfig) -> None:
        from kingdra_repro.programs.run import cluster

        try:
            cluster(cfg)
        except Exception as error:
            line = one_line(error, cfg)
            # A launcher that runs jobs in other processes learns of a failure from the exception alone.
            if line is None or os.getpid() != this_process:
                raise
            # Not raised: Hydra would print a line of its own. No exit either: a sweep has other jobs to do.
            _tell(line)
            failed.append(_job_name())

    try:
        hydra.main(version_base="1.3", config_path="pkg://kingdra_repro.configs", config_name="config")(job)()
    except KeyboardInterrupt:
        _tell("stopped; the same command goes on from where it was")
        sys.exit(130)
    except BrokenPipeError:  # kingdra-run --help | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is written at exit
        sys.exit(1)
    except Exception as error:
        line = one_line(error)
        if line is None:
            raise
        _tell(line)
        sys.exit(2)
    if any(failed):
        _tell(f"{len(failed)} of the sweep's jobs failed: {'; '.join(failed)}")
    sys.exit(2 if failed else 0)


def _job_name() -> str:
    """What tells a job of a sweep from the others, e.g. ``#1 seed=3``; nothing for a single run."""
    settings = HydraConfig.get()
    return f"#{settings.job.num} {settings.job.override_dirname}" if settings.mode == RunMode.MULTIRUN else ""


def _tell(line: str) -> None:
    print(f"kingdra-run: {line}", file=sys.stderr)
