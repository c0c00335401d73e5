"""New points of a user: a file like the one that a run was of, as features like those that it had."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import scipy.sparse as sp

from kingdra_repro.data.features.table_vectorizer import TableVectorizer
from kingdra_repro.data.formats.tables import is_table, read_table
from kingdra_repro.data.formats.text_format import TextFormat
from kingdra_repro.data.scaling import Scaler, scaler_of, scaler_state
from kingdra_repro.data.sources.custom_array import ENDINGS, array_features
from kingdra_repro.data.sources.custom_table import row_names
from kingdra_repro.data.validation import validate_features
from kingdra_repro.errors import InputError


@dataclass(frozen=True)
class NewPoints:
    """Points to predict.

    Attributes
    ----------
    X : float32 array or CSR matrix [n, d]
    names : list of str [n] or None, what the rows are called
    table : DataFrame [n, columns] or None, the rows of the table that X is of
    """

    X: np.ndarray | sp.csr_matrix
    names: list[str] | None = None
    table: pd.DataFrame | None = None


@dataclass(frozen=True)
class Preprocessing:
    """What has made features of a user's file, and makes features of further files in the same way.

    Attributes
    ----------
    vectorizer : TableVectorizer or None, of a table
    text_format : TextFormat, how the table was written
    id : str or None, the column with the names of the rows
    scaler : Scaler or None, of an array's columns
    pixels : bool, whether an array of uint8 is divided by 255
    """

    vectorizer: TableVectorizer | None = None
    text_format: TextFormat = TextFormat()  # noqa: RUF009, it cannot be changed
    id: str | None = None
    scaler: Scaler | None = None
    pixels: bool = False

    def read(self, path: Path, n_features: int) -> NewPoints:
        """Read a file's points.

        Parameters
        ----------
        path : Path
            A table where there is a vectorizer, otherwise an array.
        n_features : int
            d, that the model was fitted on.

        Raises
        ------
        InputError
            Where it is a file of another kind, or has other columns; the first of these is named.
        """
        if not path.is_file():
            raise InputError(f"data={path} does not exist ({path.absolute()}): correct the path")
        if self.vectorizer is not None:
            return self._read_table(path, self.vectorizer)
        if path.suffix.lower() not in ENDINGS:
            raise InputError(f"{path} is no array: give one, such as a .npy, as the model was fitted on")
        found = array_features(path, "auto" if self.pixels else None)
        if found.X.ndim == 2 and found.X.shape[1] != n_features:
            raise InputError(f"{path} has {found.X.shape[1]} columns: the model was fitted on {n_features}")
        if self.pixels and not found.pixels:
            raise InputError(f"{path} has numbers of {found.X.dtype}: give uint8, as the model was fitted on")
        X = validate_features(found.X)
        if self.scaler is not None:
            X = self.scaler.transform(found.X).astype(np.float32)
        return NewPoints(X)

    def in_units(self, X: np.ndarray) -> np.ndarray:
        """Return features [m, d], or means of some, in the units of the file: float64 array [m, d]."""
        X = X.astype(np.float64)
        if self.vectorizer is not None:
            return self.vectorizer.unscale(X)
        if self.scaler is not None:
            return self.scaler.inverse_transform(X)
        return X * 255 if self.pixels else X

    def _read_table(self, path: Path, vectorizer: TableVectorizer) -> NewPoints:
        if not is_table(path):
            raise InputError(f"{path} is no table: give one, such as a .csv, as the model was fitted on")
        table = read_table(path, self.text_format)
        X, rows = vectorizer.transform(table, str(path))
        validate_features(X, vectorizer.feature_names)
        names = row_names(table, self.id if self.id in table.columns else None, rows)
        return NewPoints(vectorizer.scale(X).astype(np.float32), names, table.iloc[rows])

    def state(self) -> dict[str, Any]:
        """All that was fitted, as what JSON can hold."""
        return {
            "vectorizer": None if self.vectorizer is None else self.vectorizer.state(),
            "text_format": asdict(self.text_format),
            "id": self.id,
            "scaler": None if self.scaler is None else scaler_state(self.scaler),
            "pixels": self.pixels,
        }

    @classmethod
    def of(cls, state: dict[str, Any]) -> Self:
        """Return the preprocessing whose `state` this is."""
        vectorizer, scaler = state["vectorizer"], state["scaler"]
        return cls(
            None if vectorizer is None else TableVectorizer.of(vectorizer),
            TextFormat(**state["text_format"]),
            state["id"],
            None if scaler is None else scaler_of(scaler),
            state["pixels"],
        )
