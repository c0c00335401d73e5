"""Validation and scaling of a user's features."""

from typing import Any

import numpy as np

from kingdra_repro.data.features.table_vectorizer import TableVectorizer
from kingdra_repro.data.scaling import Scaler, fit_scaler, prepare_for_scaling
from kingdra_repro.data.sources.custom_streamed import validate_streamed
from kingdra_repro.data.sources.raw_data import RawData
from kingdra_repro.data.streamed import Matrix, StreamedMatrix
from kingdra_repro.data.validation import (
    check_n_clusters,
    check_spread,
    checked_labels,
    validate,
    warn_of_constant_columns,
    warn_of_large_values,
)


def validate_and_scale(
    raw: RawData, y: Any, n_clusters: int, scale: str | None
) -> tuple[Matrix, np.ndarray | None, Scaler | None]:
    """Validate features and labels, and scale the features: "minmax", "standard" or None.

    For a table, this also fits the vectorizer, which keeps the scaler of the table's numbers.

    Returns
    -------
    X : float32 array, CSR matrix or StreamedMatrix [m, d]
    y : int64 array [m] or None
    scaler : Scaler or None
        The fitted scaler of the columns; None if they are not scaled, and for a table.

    Raises
    ------
    InputError
        If `kingdra_repro.data.validate` rejects the data, or there is no such scale.
    """
    if isinstance(raw.X, StreamedMatrix):
        check_n_clusters(n_clusters, len(raw.X))
        y = checked_labels(y, len(raw.X))
        streamed = validate_streamed(raw.X, scale, raw.feature_names)
        if not isinstance(raw.vectorizer, TableVectorizer):
            return streamed, y, streamed.scaler
        raw.vectorizer.scaler = streamed.scaler
        return streamed, y, None
    X, y = validate(raw.X, y, n_clusters, feature_names=raw.feature_names)
    scaler = None
    # Uses the values as read: float32 keeps little of a column that varies little about a large mean.
    if scale is None:
        check_spread(raw.X, raw.feature_names)
    elif isinstance(raw.vectorizer, TableVectorizer):
        X = raw.vectorizer.fit_scale(np.asarray(raw.X), scale).astype(np.float32)
    else:
        numbers = prepare_for_scaling(raw.X)
        scaler = fit_scaler(numbers, scale)
        X = scaler.transform(numbers).astype(np.float32)
    warn_of_constant_columns(X, raw.feature_names)
    warn_of_large_values(X, scale)
    return X, y, scaler
