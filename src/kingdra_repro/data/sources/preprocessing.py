"""The preprocessing that turns a user's data into features: stored with the model, for new points."""

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from pandas.api import types
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin

from kingdra_repro.data.features.picture_vectorizer import PictureVectorizer
from kingdra_repro.data.features.table_vectorizer import TableVectorizer
from kingdra_repro.data.features.tfidf import TextVectorizer
from kingdra_repro.data.formats.text_format import TextFormat
from kingdra_repro.data.scaling import (
    Scaler,
    prepare_for_scaling,
    scaler_from_state,
    scaler_state,
    shifts_columns,
)
from kingdra_repro.data.sources.custom_array import features_of
from kingdra_repro.data.sources.custom_streamed import validate_streamed
from kingdra_repro.data.sources.custom_table import texts_of
from kingdra_repro.data.sources.raw_data import RawData
from kingdra_repro.data.streamed import Matrix, StreamedMatrix, is_sparse
from kingdra_repro.data.validation import validate_features
from kingdra_repro.errors import InputError

VECTORIZERS: dict[str, Any] = {
    kind.__name__: kind for kind in (TableVectorizer, TextVectorizer, PictureVectorizer)
}


@dataclass(frozen=True)
class Preprocessing:
    """The fitted preprocessing of a user's file, which makes features of new points in the same way.

    Attributes
    ----------
    vectorizer : TableVectorizer, TextVectorizer or PictureVectorizer, by the kind of data; None for an array
    text_format : TextFormat, how the table was written
    id : str or None, the column with the names of the rows
    scaler : Scaler or None, scales the columns, except for a table, which its vectorizer scales
    pixels : bool, whether an array of uint8 is divided by 255
    text : str or None, the column of a table with the texts; None if each text is a file
    span : (lowest, highest) value of an array that was fitted without scaling; None if unknown
    """

    vectorizer: TableVectorizer | TextVectorizer | PictureVectorizer | None = None
    text_format: TextFormat = TextFormat()  # noqa: RUF009, it is frozen
    id: str | None = None
    scaler: Scaler | None = None
    pixels: bool = False
    text: str | None = None
    span: tuple[float, float] | None = None

    @config_context(transform_output="default")  # arrays, whatever the caller has set
    def features(self, points: Any, n_features: int) -> Matrix:
        """Return the features of points in memory: float32 array or CSR matrix [n, d].

        Parameters
        ----------
        points : DataFrame of pandas or of another library with ``to_pandas``; array; or CSR matrix
            It has the columns of the file that was fitted, with values as in the file. For a run on texts, a
            list or Series of texts, or a DataFrame with the texts in a column of the same name; for a run on
            pictures, the paths of their files; for both, also an array of features.
        n_features : int
            d, the number of features that the model was fitted on.

        Raises
        ------
        InputError
            If the columns differ, or a row has a missing cell and the run left such rows out.
        """
        table = points.to_pandas() if hasattr(points, "to_pandas") else points
        if not isinstance(self.vectorizer, TableVectorizer):
            if self.text is not None and isinstance(table, pd.DataFrame):
                table = texts_of(table, self.text, "X")
            if isinstance(table, str | os.PathLike):
                raise InputError(f"X must be a list; got a single {type(table).__name__}: put it into a list")
            # NumPy's own str would take the memory of the longest text for each text.
            is_list = self.vectorizer is not None and isinstance(table, list | tuple) and len(table) > 0
            texts = is_list and all(isinstance(one, str) for one in table)
            if np.ma.is_masked(table):
                n_masked = int(np.ma.count_masked(table))
                raise InputError(f"X has {n_masked} masked values: fill them in, such as by X.filled(0)")
            if isinstance(table, torch.Tensor):
                table = table.detach().cpu()
            X: Any = table if sp.issparse(table) else np.asarray(table, object if texts else None)
            if self.vectorizer is not None and X.ndim == 1 and X.dtype.kind in "OU":
                return self.scaled(self.features_from_items(list(table)))
            return self.features_from_array(features_of(X, self.scale, "X"), n_features, "X")
        if not isinstance(table, pd.DataFrame):
            raise InputError(
                f"X must be a DataFrame with the columns of the run's table; got {type(points).__name__}"
            )
        table = table.set_axis(table.columns.map(str), axis=1)  # as in a file; header=None gives integers
        features, rows = self.vectorizer.transform(table, "X")
        if len(rows) < len(table):
            raise InputError(
                f"{len(table) - len(rows)} rows of X have missing cells: drop or fill them first"
            )
        validate_features(features, self.vectorizer.feature_names)
        return self.vectorizer.scale(features).astype(np.float32)

    def unscale(self, X: np.ndarray) -> np.ndarray:
        """Return features [m, d], or means of features, in the units of the file: float64 array [m, d]."""
        X = X.astype(np.float64)
        if isinstance(self.vectorizer, TableVectorizer):
            return self.vectorizer.unscale(X)
        if self.scaler is not None:
            return self.scaler.inverse_transform(X)
        return X * 255 if self.pixels else X

    @property
    def scale(self) -> str | None:
        """The `scale` setting with which an array of new points is read."""
        return "auto" if self.pixels else None

    def features_from_array(self, raw: RawData, n_features: int, source: str) -> Matrix:
        if raw.X.ndim == 2 and raw.X.shape[1] != n_features:
            raise InputError(f"{source} has {raw.X.shape[1]} columns: the model was fitted on {n_features}")
        if is_sparse(raw.X) and shifts_columns(self.scaler):
            raise InputError(
                f"{source} is a sparse matrix, and the model was fitted on a dense one, whose columns it "
                "shifts: make it dense by .toarray()"
            )
        if self.pixels and not raw.pixels:
            raise InputError(f"{source} has numbers of {raw.X.dtype}: the model was fitted on uint8")
        if isinstance(raw.X, StreamedMatrix):
            streamed = validate_streamed(replace(raw.X, scaler=self.scaler), None)
            self._check_span(streamed, source)
            return streamed
        X = self.scaled(raw.X)
        self._check_span(X, source)
        return X

    def scaled(self, X: np.ndarray | sp.csr_matrix) -> np.ndarray | sp.csr_matrix:
        checked = validate_features(X)
        if self.scaler is None:
            return checked
        return self.scaler.transform(prepare_for_scaling(X)).astype(np.float32)

    def _check_span(self, X: Matrix, source: str) -> None:
        """Raise InputError if X is on another scale, which would silently give wrong clusters."""
        if self.span is None:
            return
        (low, high), (lowest, highest) = self.span, span_of(X)
        if lowest < low - (high - low) or highest > high + (high - low):
            raise InputError(
                f"{source} has values from {lowest:g} to {highest:g}: the model was fitted on {low:g} to "
                f"{high:g}; scale them alike"
            )

    def features_from_items(self, points: list[Any]) -> np.ndarray | sp.csr_matrix:
        """Return the features of texts, or of the pictures at the given paths."""
        if isinstance(self.vectorizer, TextVectorizer):
            texts = ["" if types.is_scalar(one) and pd.isna(one) else one for one in points]  # as in a file
            if wrong := [one for one in texts if not isinstance(one, str)]:
                raise InputError(f"X has {wrong[0]!r} among its texts: give str, or None for a missing one")
            return self.vectorizer.transform(texts)
        assert isinstance(self.vectorizer, PictureVectorizer)
        files = [Path(point).expanduser().absolute() for point in points]
        if missing := [file for file in files if not file.is_file()]:
            raise InputError(f"{missing[0]} does not exist: correct the path")
        return self.vectorizer.features(Path(os.path.commonpath(file.parent for file in files)), files)

    def state(self) -> dict[str, Any]:
        """Return the fitted state as a JSON-serialisable dict."""
        kind = None if self.vectorizer is None else type(self.vectorizer).__name__
        return {
            "kind": kind,
            "vectorizer": None if self.vectorizer is None else self.vectorizer.state(),
            "text": self.text,
            "text_format": asdict(self.text_format),
            "id": self.id,
            "scaler": None if self.scaler is None else scaler_state(self.scaler),
            "pixels": self.pixels,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore the preprocessing from its `state`."""
        vectorizer, scaler = state["vectorizer"], state["scaler"]
        kind = VECTORIZERS[state.get("kind") or "TableVectorizer"]  # models of earlier versions lack it
        return cls(
            None if vectorizer is None else kind.from_state(vectorizer),
            TextFormat(**state["text_format"]),
            state["id"],
            None if scaler is None else scaler_from_state(scaler),
            state["pixels"],
            state.get("text"),
        )


class Features(TransformerMixin, BaseEstimator):
    """The first step of a loaded pipeline: transforms a user's points to the features of the model.

    Parameters
    ----------
    preprocessing : Preprocessing, fitted
    n_features : int, number of features of the model
    """

    def __init__(self, preprocessing: Preprocessing, n_features: int) -> None:
        self.preprocessing = preprocessing
        self.n_features = n_features

    def fit(self, X: Any, y: Any = None) -> Self:
        """Do nothing: the preprocessing was fitted by the run."""
        return self

    def transform(self, X: Any) -> Matrix:
        """Return features [n, d]; see `Preprocessing.features`."""
        return self.preprocessing.features(X, self.n_features)

    def __sklearn_is_fitted__(self) -> bool:
        return True


def span_of(X: Matrix) -> tuple[float, float]:
    """Return the minimum and the maximum of features [n, d], including the zeros of a sparse matrix."""
    blocks = X.blocks(X.rows_per_block) if isinstance(X, StreamedMatrix) else (X,)
    lowest, highest = zip(*((block.min(), block.max()) for block in blocks), strict=True)
    return float(min(lowest)), float(max(highest))
