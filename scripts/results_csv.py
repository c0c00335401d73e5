"""A CSV file in results/ to which a script adds a row when a fit is done, so that no fit is repeated."""

from pathlib import Path
from typing import Any

import pandas as pd

from kingdra_repro.files import write_table

RESULTS = Path(__file__).parents[1] / "results"


class ResultsCsv:
    """A CSV file that grows; its existing cells are rewritten unchanged, as text.

    Parameters
    ----------
    path : Path
    *key : str, the columns that identify a fit
    """

    def __init__(self, path: Path, *key: str) -> None:
        self.path, self.key = path, list(key)

    def has(self, *fit: Any) -> bool:
        """Whether there is a row of the fit, given by its values of the key columns."""
        if not self.path.exists():
            return False
        known = self._as_written()[self.key]
        return bool((known == [str(value) for value in fit]).all(axis=1).any())

    def add(self, *rows: dict[str, Any]) -> None:
        """Append rows to the file, and print them."""
        known = [self._as_written()] if self.path.exists() else []
        write_table(self.path, pd.concat([*known, pd.DataFrame(rows)]))
        for row in rows:
            print(row, flush=True)

    def read(self, **options: Any) -> pd.DataFrame:
        """Read all rows with `pandas.read_csv` and these options."""
        return pd.read_csv(self.path, **options)

    def _as_written(self) -> pd.DataFrame:
        return pd.read_csv(self.path, dtype=str, keep_default_na=False)
