"""The program `kingdra-report`: makes a page of one run, or of a results folder."""

import sys
from collections.abc import Sequence
from pathlib import Path

from kingdra_repro.errors import InputError
from kingdra_repro.programs import main as program
from kingdra_repro.report.page.report import write_report, write_run_report

HELP = """kingdra-report makes report.html, a page in a single file that any browser can open offline.

  kingdra-report run=outputs/digits/kingdra-ladder_im/seed0-e04c1815
      one run of kingdra-run: its clusters with their members or strongest words, the points that the models
      disagree on, and the course of the run; written into the run's folder. Classes need not be known.
  kingdra-report results=results
      all tables, figures and runs of a results folder, next to the paper's numbers; written into that folder.
  kingdra-report FOLDER
      one or the other, depending on what is in the folder.
"""
WRITE = {"run": write_run_report, "results": write_report}
GIVE = "give FOLDER, run=FOLDER or results=FOLDER"


def main() -> None:
    """Run the command line and exit."""
    program.main("kingdra-report", lambda: run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command, and print the path of the page."""
    if any(argument in ("--help", "-h", "help") for argument in arguments):
        print(HELP, end="")
        return 0
    if len(arguments) != 1:
        raise InputError("Give FOLDER, run=FOLDER or results=FOLDER (kingdra-report --help)")
    name, equals, folder = arguments[0].partition("=")
    given = Path(arguments[0]).expanduser()
    if not equals or (name not in WRITE and given.is_dir()):  # a folder may be called run
        name, folder = "results" if (given / "runs.csv").is_file() else "run", arguments[0]
        if not given.is_dir():
            raise InputError(f"{folder} does not exist, or is no folder: {GIVE}")
    if name not in WRITE or not folder:
        raise InputError(f"unknown argument {arguments[0]}: {GIVE}")
    print(WRITE[name](Path(folder).expanduser()))
    return 0
