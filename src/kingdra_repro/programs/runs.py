"""The program `kingdra-runs`: lists the finished runs."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from kingdra_repro.errors import InputError
from kingdra_repro.programs import main as program

HELP = """kingdra-runs lists the finished runs below a folder: data, method, points, clusters, sizes of
the smallest and largest cluster, accuracy if classes were known, agreement of the models, and the date.

  kingdra-runs                     list the runs below outputs/
  kingdra-runs FOLDER              list the runs below another folder
  kingdra-runs FOLDER csv=FILE     also write them as CSV, with more columns and paths below FOLDER
"""


def main() -> None:
    """Run the command line and exit."""
    logging.basicConfig(level=logging.WARNING, format="kingdra-runs: %(message)s")
    program.main("kingdra-runs", lambda: run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command."""
    if any(argument in ("--help", "-h", "help") for argument in arguments):
        print(HELP, end="")
        return 0
    written = [argument.removeprefix("csv=") for argument in arguments if argument.startswith("csv=")]
    folders = [argument for argument in arguments if not argument.startswith("csv=")]
    if len(folders) > 1 or len(written) > 1 or "" in written:
        raise InputError("Give FOLDER and csv=FILE, or one of them (kingdra-runs --help)")
    folder = Path(folders[0] if folders else "outputs").expanduser()
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: give the one that runs lie below (kingdra-runs --help)")

    # Imported here because pandas takes a second to load.
    from kingdra_repro.files import write_table
    from kingdra_repro.runs.listing import finished_runs, show_runs, tabulate

    table = tabulate(finished_runs(folder), folder)
    if table.empty:
        raise InputError(f"{folder} has no finished runs: a run's folder has a result.json")
    show_runs(table)
    if written:
        write_table(Path(written[0]).expanduser(), table)
        print(written[0])
    return 0
