"""Documents to tf-idf of their most frequent words."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from kingdra_repro.checks import choice, integer, must_be
from kingdra_repro.errors import InputError

log = logging.getLogger(__name__)

ROW_LENGTHS = ("sqrt_d", "one")


class TextVectorizer:
    """tf-idf of the words that occur most often in all documents together.

    Words are runs of two or more letters, digits or underscores, in lower case. The weight of a word in a
    document is its count times ln((1 + n) / (1 + df)) + 1, and each row is brought to one length.

    Parameters
    ----------
    n_words : int
        How many words to keep.
    stop_words : {"english", None}
        Whether to leave out scikit-learn's list of English words that carry no information.
    row_length : {"sqrt_d", "one"}
        See `bring_rows_to`.

    Attributes
    ----------
    words : list of str [d], in alphabetical order
        d is `n_words`, or less where there are fewer words.

    Raises
    ------
    InputError
        Where a setting is out of range.
    """

    def __init__(
        self, n_words: int = 2000, stop_words: str | None = "english", row_length: str = "sqrt_d"
    ) -> None:
        integer(1)("n_words", n_words)
        if stop_words not in (None, "english"):
            raise must_be("english or null", "stop_words", stop_words)
        choice(*ROW_LENGTHS)("row_length", row_length)
        self.row_length = row_length
        self._settings = {"max_features": n_words, "stop_words": stop_words, "dtype": np.float32}
        self._fitted = TfidfVectorizer(**self._settings)
        self.words: list[str] = []

    def fit_transform(self, documents: Iterable[str]) -> sp.csr_matrix:
        """Find the words, and return the weights of each document: float32 CSR matrix [n, d].

        A document without any of the words is a row of zeros.

        Raises
        ------
        InputError
            Where there is no word at all.
        """
        X, self.words = _fit(self._fitted, documents)
        return bring_rows_to(X, self.row_length)

    def transform(self, documents: Iterable[str]) -> sp.csr_matrix:
        """Return the weights of other documents, by the words and frequencies of those that were fitted."""
        X = sp.csr_matrix(self._fitted.transform(documents))
        _warn_of_empty(X)
        return bring_rows_to(X, self.row_length)

    def state(self) -> dict[str, Any]:
        """All that was fitted, as what JSON can hold."""
        return {
            "stop_words": self._settings["stop_words"],
            "row_length": self.row_length,
            "words": self.words,
            "idf": self._fitted.idf_.tolist(),
        }

    @classmethod
    def of(cls, state: dict[str, Any]) -> Self:
        """Return the vectorizer whose `state` this is."""
        vectorizer = cls(len(state["words"]), state["stop_words"], state["row_length"])
        vectorizer.words = state["words"]
        vectorizer._fitted = TfidfVectorizer(**vectorizer._settings, vocabulary=state["words"])
        vectorizer._fitted.idf_ = np.array(state["idf"], np.float32)
        return vectorizer


def bring_rows_to(X: np.ndarray | sp.csr_matrix, row_length: str) -> sp.csr_matrix:
    """Rows of length 1 brought to the length asked for.

    Parameters
    ----------
    X : float32 CSR matrix [n, d] with rows of length 1
    row_length : {"one", "sqrt_d"}
        "sqrt_d": the root of the number of columns, so that the mean square of a row's numbers is 1, which
        is what the published noise levels and steps are made for. It is how the public code of DEC (Xie et
        al. 2016) makes the Reuters data that later papers use.

    Raises
    ------
    InputError
        For another `row_length`.
    """
    choice(*ROW_LENGTHS)("row_length", row_length)
    factor = np.sqrt(X.shape[1]) if row_length == "sqrt_d" else 1
    return sp.csr_matrix(X) * np.float32(factor)


def tfidf_of_tokens(documents: Iterable[Sequence[str]], n_words: int) -> tuple[sp.csr_matrix, list[str]]:
    """Compute the same for documents that are cut into words already, such as stems without stop words."""
    vectorizer = TfidfVectorizer(max_features=n_words, analyzer=_as_it_is, dtype=np.float32)
    return _fit(vectorizer, documents)


def most_frequent_columns(X: sp.csr_matrix, n_words: int) -> sp.csr_matrix:
    """Return the columns of a tf-idf matrix with numbers in most rows, each row brought to length 1 again.

    For data whose word counts are not known any more: document frequency stands in for frequency. Columns
    stay in their order; of those with equal numbers, the first are kept: float32 CSR [n, min(d, n_words)].
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
