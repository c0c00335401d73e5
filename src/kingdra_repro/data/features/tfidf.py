"""Turn documents into tf-idf vectors of their most frequent words."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from kingdra_repro.checks import choice, integer, invalid_value
from kingdra_repro.errors import InputError

log = logging.getLogger(__name__)

ROW_LENGTHS = ("sqrt_d", "one")


class TextVectorizer:
    """A tf-idf vectorizer that keeps the words with the highest total count over all documents.

    Words are runs of two or more letters, digits or underscores, in lower case. The weight of a word in a
    document is its count times (ln((1 + n) / (1 + df)) + 1). All rows are scaled to the same length.

    Parameters
    ----------
    n_words : int
        How many words to keep.
    stop_words : {"english", None}
        Whether to leave out scikit-learn's list of English stop words.
    row_length : {"sqrt_d", "one"}
        See `scale_rows`.

    Attributes
    ----------
    words : list of str [d], in alphabetical order
        d is `n_words`, or less if there are fewer words.

    Raises
    ------
    InputError
        If a setting is out of range.
    """

    def __init__(
        self, n_words: int = 2000, stop_words: str | None = "english", row_length: str = "sqrt_d"
    ) -> None:
        integer(1)("n_words", n_words)
        if stop_words not in (None, "english"):
            raise invalid_value("english or null", "stop_words", stop_words)
        choice(*ROW_LENGTHS)("row_length", row_length)
        self.row_length = row_length
        self._settings = {"max_features": n_words, "stop_words": stop_words, "dtype": np.float32}
        self._fitted = TfidfVectorizer(**self._settings)
        self.words: list[str] = []

    def fit_transform(self, documents: Iterable[str]) -> sp.csr_matrix:
        """Learn the words, and return the weights of each document as a float32 CSR matrix [n, d].

        A document that contains none of the words is a row of zeros.

        Raises
        ------
        InputError
            If the documents contain no words.
        """
        X, self.words = _fit(self._fitted, documents)
        return scale_rows(X, self.row_length)

    def transform(self, documents: Iterable[str]) -> sp.csr_matrix:
        """Return the weights of other documents, using the words and document frequencies of the fit."""
        X = sp.csr_matrix(self._fitted.transform(documents))
        _warn_of_empty(X)
        return scale_rows(X, self.row_length)

    def state(self) -> dict[str, Any]:
        """Return the settings and all fitted values in a form that JSON can store."""
        return {
            "stop_words": self._settings["stop_words"],
            "row_length": self.row_length,
            "words": self.words,
            "idf": self._fitted.idf_.tolist(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Return the vectorizer with this `state`."""
        vectorizer = cls(len(state["words"]), state["stop_words"], state["row_length"])
        vectorizer.words = state["words"]
        vectorizer._fitted = TfidfVectorizer(**vectorizer._settings, vocabulary=state["words"])
        vectorizer._fitted.idf_ = np.array(state["idf"], np.float32)
        return vectorizer


def scale_rows(X: np.ndarray | sp.csr_matrix, row_length: str) -> sp.csr_matrix:
    """Scale rows of length 1 to the given length.

    Parameters
    ----------
    X : float32 CSR matrix [n, d] with rows of length 1
    row_length : {"one", "sqrt_d"}
        "sqrt_d": the square root of the number of columns, so that the mean square of a row's values is 1.
        The published noise levels and step sizes assume this. The public code of DEC (Xie et al. 2016) scales
        the Reuters data that later papers use in this way.

    Raises
    ------
    InputError
        If `row_length` has another value.
    """
    choice(*ROW_LENGTHS)("row_length", row_length)
    factor = np.sqrt(X.shape[1]) if row_length == "sqrt_d" else 1
    return sp.csr_matrix(X) * np.float32(factor)


def tfidf_of_tokens(documents: Iterable[Sequence[str]], n_words: int) -> tuple[sp.csr_matrix, list[str]]:
    """Return tf-idf rows of length 1, and the words, for documents that are tokenised already."""
    vectorizer = TfidfVectorizer(max_features=n_words, analyzer=_as_it_is, dtype=np.float32)
    return _fit(vectorizer, documents)


def most_frequent_columns(X: sp.csr_matrix, n_words: int) -> sp.csr_matrix:
    """Return the `n_words` columns of a tf-idf matrix that are nonzero in the most rows.

    This is for data whose word counts are no longer known: document frequency replaces word frequency. The
    result is a float32 CSR matrix [n, min(d, n_words)] with rows scaled to length 1 again and the columns in
    their original order. Ties are broken in favour of the first column.
    """
    kept = np.sort(np.argsort(-X.getnnz(axis=0), kind="stable")[:n_words])
    return sp.csr_matrix(normalize(X[:, kept]), dtype=np.float32)


def _fit(vectorizer: TfidfVectorizer, documents: Iterable) -> tuple[sp.csr_matrix, list[str]]:
    try:
        X = vectorizer.fit_transform(documents)
    except ValueError as error:  # scikit-learn: empty vocabulary
        raise InputError(
            f"The documents have no words ({error}): check that this is the right column or folder"
        ) from error
    rows = sp.csr_matrix(X)
    _warn_of_empty(rows)
    return rows, list(vectorizer.get_feature_names_out())


def _warn_of_empty(X: sp.csr_matrix) -> None:
    if n_empty := int((np.diff(X.indptr) == 0).sum()):
        log.warning("%d of %d documents have none of the %d words", n_empty, *X.shape)


def _as_it_is(tokens: Sequence[str]) -> Sequence[str]:
    return tokens
