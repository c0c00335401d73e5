"""history.csv: one row a phase, written again after each, whole or not at all."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from kingdra_repro.atomic import write_text


class History:
    """Rows of history.csv, kept over the parts of an interrupted run.

    Parameters
    ----------
    path : Path
        history.csv; rows that lie there are those of an earlier part of the run.
    """

    def __init__(self, path: Path):
        self.path = path
        self.rows: list[dict[str, object]] = []
        if path.exists():
            with path.open(newline="") as file:
                self.rows = [dict(row) for row in csv.DictReader(file)]

    def add(self, row: Mapping[str, object]) -> None:
        """Add a phase's row and write the file; rows of this phase and of later ones are replaced.

        A part of a run that was killed may have written rows beyond the checkpoint the next part starts from.
        """
        index = int(str(row["iteration"]))
        self.rows = [old for old in self.rows if int(str(old["iteration"])) < index] + [dict(row)]
        columns = list(dict.fromkeys(name for one in self.rows for name in one))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.path, text.getvalue())
