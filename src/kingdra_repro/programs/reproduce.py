"""The program `kingdra-reproduce`: reads the settings, and reports user errors in one line."""

import logging
import sys
import textwrap
from collections.abc import Sequence

from kingdra_repro.programs import main as program
from kingdra_repro.programs.user_errors import user_message
from kingdra_repro.reproduce.settings import ReproduceSettings, settings

HELP = """kingdra-reproduce makes the missing runs for the paper's tables and figures, and writes these.

The runs are those of configs/experiment. kingdra-run makes each run in outputs/; once done, it is copied into
results/. Runs in results/runs.csv are not repeated. You can stop at any time (Ctrl-C); the same command then
resumes, even in the middle of a run. At the end, tables, figures and report.html are written into results/.

Examples
  kingdra-reproduce                                    everything, with the public code's settings: for a GPU
  kingdra-reproduce schedule=short                     fewer iterations and epochs: for a CPU
  kingdra-reproduce only=table2 datasets=mnist,reuters seeds=0..4 budget=2h
  kingdra-reproduce rows=Kingdra-Ladder-IM dry_run=true      list the missing runs, and how long they may take
  kingdra-reproduce merge=/media/stick/outputs         add the runs that another machine made
  kingdra-reproduce only_report=true                   only the tables, figures and page

Settings: NAME=VALUE
  only=NAME,...       experiments, files of configs/experiment:
                      {experiments}
  rows=NAME,...       rows of their tables, such as K-means,Kingdra-Ladder-IM
  datasets=NAME,...   from mnist, stl, cifar10, reuters, newsgroups, usps, digits
  seeds=0..4          or seeds=0 or seeds=0,3; from 0 to 4, and from 0 to 9 on digits
  schedule=published  or short; a cell shows the published schedule's runs if there are any
  first=seeds         one seed of every cell before the next seed; or rows: all seeds
                      of the most valuable rows before the next rows
  budget=2h           or 90min, 1h30min ...: the remaining runs wait for the next call
  again=false         true: repeat the runs that another version of this code made
  dry_run=false       true: list what would be run
  only_report=false   true: run nothing
  report=true         false: only run; write no tables, figures and page
  merge=FOLDER        an outputs/, results/ or archive folder of another machine
  results=results     the folder of the small files that tables and figures are made from
  archive=FOLDER      also pack every finished run into a few files in this folder
  output_dir=outputs  the folder of run folders and logs/
  one_process=        true: all runs in this process, which compiles once; false: each
                      in its own; default: true on a GPU, false elsewhere
  launcher=joblib     n runs at a time on this machine; or slurm: as jobs of Slurm,
                      launcher.partition=gpu ...; or slurm_local: to try this without Slurm
  n=8                 runs at a time with a launcher; default: the cores of this machine
  mirror= data_dir= device= n_jobs=   as for kingdra-run

The exit status is 0; 1 if a run failed (results/failed.csv says why; the next call tries again); 2 for an
error in the settings; 130 after Ctrl-C, 143 after SIGTERM.
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
