"""Validation and scaling of a user's features."""

from typing import Any

import numpy as np

from kingdra_repro.data.features.table_vectorizer import TableVectorizer
from kingdra_repro.data.scaling import Scaler, fit_scaler, scalable
from kingdra_repro.data.sources.custom_found import Found
from kingdra_repro.data.sources.custom_streamed import validated
from kingdra_repro.data.streamed import Matrix, StreamedMatrix
from kingdra_repro.data.validation import (
    check_n_clusters,
    check_spread,
    checked_labels,
    validate,
    warn_of_constant_columns,
    warn_of_large_values,
)


def scaled(
    found: Found, y: Any, n_clusters: int, scale: str | None
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
    if isinstance(found.X, StreamedMatrix):
        check_n_clusters(n_clusters, len(found.X))
        y = checked_labels(y, len(found.X))
        streamed = validated(found.X, scale, found.feature_names)
        if not isinstance(found.vectorizer, TableVectorizer):
            return streamed, y, streamed.scaler
        found.vectorizer.scaler = streamed.scaler
        return streamed, y, None
    X, y = validate(found.X, y, n_clusters, feature_names=found.feature_names)
    scaler = None
    # Uses the values as read: float32 keeps little of a column that varies little about a large mean.
    if scale is None:
        check_spread(found.X, found.feature_names)
    elif isinstance(found.vectorizer, TableVectorizer):
        X = found.vectorizer.fit_scale(np.asarray(found.X), scale).astype(np.float32)
    else:
        numbers = scalable(found.X)
        scaler = fit_scaler(numbers, scale)
        X = scaler.transform(numbers).astype(np.float32)
    warn_of_constant_columns(X, found.feature_names)
    warn_of_large_values(X, scale)
    return X, y, scaler
