"""The program `kingdra-predict`: assigns new points to clusters with the model of a run."""

import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kingdra_repro.errors import InputError
from kingdra_repro.programs import main as program

if TYPE_CHECKING:  # pandas takes a moment to load
    import pandas as pd

HELP = """kingdra-predict assigns new points to clusters, with the model that a run of kingdra-run has kept.

  kingdra-predict outputs/custom-my/kingdra-ladder_im/seed0-e04c1815 new.csv
  kingdra-predict run=FOLDER data=FILE

The file is read and scaled like the run's own data. In a table, the columns are found by their names, and
other columns are ignored; in an array (.npy, .npz), all columns are used. For texts and pictures, FILE is one
of them or a folder of them. Models of the built-in data sets take arrays of features like the data set's.

  output=FILE          the CSV file for the clusters; default: new.clusters.csv next to new.csv
  keep_columns=true    include the columns of the file
  mirror=FOLDER        for pictures: where the network's weights are, if they are not in the data folder
"""
SETTINGS = ("run", "data", "output", "keep_columns", "mirror")


def main() -> None:
    """Run the command line and exit."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    program.main("kingdra-predict", lambda: run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command, and print the path of the file with the clusters.

    Raises InputError for an unknown argument, a run without a model, or a file that does not fit the model.
    """
    if any(argument in ("--help", "-h", "help") for argument in arguments):
        print(HELP, end="")
        return 0
    given = _given(arguments)
    keep_columns = given.get("keep_columns", "false").lower()
    if keep_columns not in ("true", "false"):
        raise InputError(f"keep_columns must be true or false; got {given['keep_columns']}")
    from kingdra_repro.data.formats.tables import table_name  # pandas takes a moment to load

    data = Path(given["data"]).expanduser()
    named = data if data.name not in ("", "..") else data.resolve()  # "." is a folder with another name
    default = named.parent / f"{table_name(named)}.clusters.csv"
    output = Path(given["output"]).expanduser() if "output" in given else default
    if output.suffix.lower() not in ("", ".csv", ".txt"):
        raise InputError(f"output={output}: clusters are written as CSV: give a name that ends in .csv")
    if not output.parent.is_dir():
        raise InputError(f"output={output}: there is no folder {output.parent}: make it, or give another")
    if output.exists() and data.exists() and output.samefile(data):
        raise InputError(f"output={output} is the file of the points: give another")
    if "output" not in given and output.exists() and not _is_ours(output):
        raise InputError(f"{output} is a file of another kind: move it away, or give output=FILE")

    # Imported here because torch takes seconds to load.
    from kingdra_repro.data.features.picture_vectorizer import PictureVectorizer
    from kingdra_repro.data.sources.new_points import blocks_of_new_points
    from kingdra_repro.runs.clusters import cluster_table, write_clusters
    from kingdra_repro.runs.model import load_model

    model = load_model(Path(given["run"]).expanduser())
    method, classes = model.estimator, model.classes
    if not hasattr(method, "predict"):
        raise InputError(f"{type(method).__name__} has no answer for new points: choose another method")
    keep = keep_columns == "true"
    preprocessing, mirror = model.for_new_points, given.get("mirror")
    if mirror is not None and not isinstance(preprocessing.vectorizer, PictureVectorizer):
        raise InputError(f"mirror={mirror} is for models of pictures, and this is none: leave it out")
    blocks = blocks_of_new_points(preprocessing, data, method.n_features_in_, keep, mirror)

    def tables() -> "Iterator[pd.DataFrame]":
        for one in blocks:
            if keep and one.table is None:
                raise InputError(f"keep_columns=true is for tables, and {data} is none: leave it out")
            columns = one.table if keep else None
            yield cluster_table(method, one.X, None, one.names, columns, classes, one.rows)

    write_clusters(output, tables())
    print(output)
    return 0


def _is_ours(path: Path) -> bool:
    """Return whether a file starts like those written here, so that it may be overwritten without asking."""
    with path.open("rb") as file:
        return file.readline(100).startswith((b"id,cluster", b"row,cluster"))


def _given(arguments: Sequence[str]) -> dict[str, str]:
    given = dict[str, str]()
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals or (name not in SETTINGS and Path(argument).expanduser().exists()):
            name, value = "data" if "run" in given else "run", argument
        if name not in SETTINGS or not value:
            known = ", ".join(f"{one}=..." for one in SETTINGS)
            raise InputError(f"unknown argument {argument}: give {known}")
        if name in given:
            raise InputError(f"{argument}: {name}={given[name]} is given already; give one of them")
        given[name] = value
    if "run" not in given or "data" not in given:
        raise InputError("Give FOLDER FILE, or run=FOLDER data=FILE (kingdra-predict --help)")
    return given
