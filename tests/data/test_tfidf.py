import logging

import numpy as np
import pytest
import scipy.sparse as sp

from kingdra_repro.data.features.tfidf import most_frequent_columns, tfidf, tfidf_of_tokens
from kingdra_repro.errors import InputError

DOCUMENTS = ["The cat and the cat", "A dog; the DOG, a dog.", "cat dog bird", "the and of"]


def test_most_frequent_words_without_stop_words(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        X, words = tfidf(DOCUMENTS, n_words=2)
    assert words == ["cat", "dog"]
    assert X.dtype == np.float32
    np.testing.assert_allclose(X.toarray()[:3], [[2**0.5, 0], [0, 2**0.5], [1, 1]], rtol=1e-6)
    assert X[3].nnz == 0
    assert "1 of 4 documents have none of the 2 words" in caplog.text


def test_stop_words_kept() -> None:
    assert "the" in tfidf(DOCUMENTS, stop_words=None)[1]
    assert "the" not in tfidf(DOCUMENTS)[1]


def test_fewer_words_than_asked_for() -> None:
    assert tfidf(DOCUMENTS)[1] == ["bird", "cat", "dog"]


def test_length_of_rows() -> None:
    one = tfidf(DOCUMENTS[:3], row_length="one")[0].toarray()
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, rtol=1e-6)
    longer = tfidf(DOCUMENTS[:3])[0].toarray()
    np.testing.assert_allclose((longer**2).mean(1), 1, rtol=1e-6)
    np.testing.assert_allclose(longer, one * 3**0.5, rtol=1e-6)
    with pytest.raises(InputError, match="row_length must be sqrt_d or one; got 'two'"):
        tfidf(DOCUMENTS, row_length="two")


def test_tokens_are_taken_as_they_are() -> None:
    X, words = tfidf_of_tokens([["a", "The", "a"], ["b"]], n_words=2)
    assert words == ["The", "a"]
    np.testing.assert_allclose(X.toarray()[0], np.array([1, 2]) / 5**0.5, rtol=1e-6)


def test_most_frequent_columns() -> None:
    X = sp.csr_matrix(np.array([[3, 0, 4, 1], [0, 0, 2, 0], [1, 5, 0, 0]], np.float32))
    kept = most_frequent_columns(X, 2)
    np.testing.assert_allclose(kept.toarray(), [[0.6, 0.8], [0, 1], [1, 0]], rtol=1e-6)


@pytest.mark.parametrize("n_words", [0, -1, 2.5, True])
def test_number_of_words(n_words: int) -> None:
    with pytest.raises(InputError, match=r"n_words must be an integer of at least 1"):
        tfidf(DOCUMENTS, n_words)


def test_no_words_at_all() -> None:
    with pytest.raises(InputError, match="The documents have no words"):
        tfidf(["the", "!"])
    with pytest.raises(InputError, match="stop_words must be english or null; got 'german'"):
        tfidf(DOCUMENTS, stop_words="german")
