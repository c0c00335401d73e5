"""The program `kingdra-reproduce`: reads the settings, and reports user errors in one line."""

import logging
import sys
import textwrap
from collections.abc import Sequence

from kingdra_repro.programs import main as program
from kingdra_repro.programs.user_errors import user_message
from kingdra_repro.reproduce.settings import ReproduceSettings, settings

HELP = """kingdra-reproduce runs whatever is missing of the paper's tables and figures, and writes them.

Runs are those of configs/experiment, each made by kingdra-run in outputs/ and copied into results/ when it is
done. What is in results/runs.csv is not run again. It can be stopped at any time (Ctrl-C); the same command
resumes, even in the middle of a run. At the end, tables, figures and report.html are written into results/.

Examples
  kingdra-reproduce                                    all of it, with the public code's settings: for a GPU
  kingdra-reproduce schedule=short                     fewer iterations and epochs: for a CPU
  kingdra-reproduce only=table2 datasets=mnist,reuters seeds=0..4 budget=2h
  kingdra-reproduce rows=Kingdra-Ladder-IM dry_run=true      what is missing, and how long it may take
  kingdra-reproduce merge=/media/stick/outputs         take the runs that another machine made
  kingdra-reproduce only_report=true                   tables, figures and the page alone

Settings: NAME=VALUE
  only=NAME,...       experiments: those of configs/experiment, which are
                      {experiments}
  rows=NAME,...       rows of their tables, such as K-means,Kingdra-Ladder-IM
  datasets=NAME,...   of mnist, stl, cifar10, reuters, newsgroups, usps, digits
  seeds=0..4          seeds=0 or seeds=0,3; of 0 to 4, and of 0 to 9 on digits
  schedule=published  or short; a cell shows the published schedule's runs where there are any
  first=seeds         one seed of every cell before the next; or rows: all seeds
                      of the most valuable rows before the next rows
  budget=2h           90min, 1h30min ...: what is left then waits for the next call
  again=false         true: make the runs again that another version of this code made
  dry_run=false       true: list what would be run
  only_report=false   true: run nothing
  report=true         false: only run, no tables, figures and page
  merge=FOLDER        an outputs/, results/ or archive folder of another machine
  results=results     where the small files go that tables and figures are made from
  archive=FOLDER      every finished run is packed into a few files there, too
  output_dir=outputs  where run folders and logs/ go
  one_process=        true: all runs in this process, which compiles once; false: each
                      in its own; default: true on a GPU, false elsewhere
  launcher=joblib     n runs at a time on this machine; or slurm: as jobs of Slurm,
                      launcher.partition=gpu ...; or slurm_local: to try that without it
  n=8                 runs at a time of a launcher; default: the cores of this machine
  mirror= data_dir= device= n_jobs=   as for kingdra-run

The exit status is 0; 1 if a run failed (results/failed.csv says why; the next call tries again); 2 for a
mistake in the settings; 130 at Ctrl-C, 143 at SIGTERM.
"""
SEE = "`kingdra-reproduce --help` explains the settings"
PLACES = "give another results=, output_dir= or archive=FOLDER"


def main() -> None:
    """Run the command line and exit."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    program.main(
        "kingdra-reproduce",
        lambda: run(sys.argv[1:]),
        lambda error: user_message(error, known=ReproduceSettings, see=SEE, places=PLACES),
    )


def run(arguments: Sequence[str]) -> int:
    """Run one command; return the exit status, 1 if a run failed."""
    if any(argument in ("--help", "-h") for argument in arguments):
        from kingdra_repro.config import names

        experiments = textwrap.fill(", ".join(names("experiment")), 88).replace("\n", "\n" + " " * 22)
        print(HELP.replace("{experiments}", experiments), end="")
        return 0
    cfg = settings(arguments)
    from kingdra_repro.programs.reproduction import reproduce  # imports torch

    return reproduce(cfg)
