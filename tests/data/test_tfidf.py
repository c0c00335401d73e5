import json
import logging

import numpy as np
import pytest
import scipy.sparse as sp

from kingdra_repro.data.features.tfidf import TextVectorizer, most_frequent_columns, tfidf_of_tokens
from kingdra_repro.errors import InputError

DOCUMENTS = ["The cat and the cat", "A dog; the DOG, a dog.", "cat dog bird", "the and of"]


def fitted(**settings) -> TextVectorizer:
    vectorizer = TextVectorizer(**settings)
    vectorizer.fit_transform(DOCUMENTS)
    return vectorizer


@pytest.mark.parametrize("settings", [{}, {"stop_words": None, "row_length": "one"}, {"n_words": 2}])
def test_further_documents_are_weighed_as_those_that_were_fitted(settings) -> None:
    vectorizer = TextVectorizer(**settings)
    X = vectorizer.fit_transform(DOCUMENTS)
    again = TextVectorizer.from_state(json.loads(json.dumps(vectorizer.state())))
    assert again.words == vectorizer.words
    for one in (vectorizer, again):
        np.testing.assert_array_equal(one.transform(DOCUMENTS).toarray(), X.toarray())
    more = again.transform(["cat zebra"]).toarray()[0]
    assert more[again.words.index("cat")] == np.linalg.norm(more) > 0  # other words have no weight


def test_most_frequent_words_without_stop_words(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        vectorizer = TextVectorizer(n_words=2)
        X = vectorizer.fit_transform(DOCUMENTS)
    assert vectorizer.words == ["cat", "dog"]
    assert X.dtype == np.float32
    np.testing.assert_allclose(X.toarray()[:3], [[2**0.5, 0], [0, 2**0.5], [1, 1]], rtol=1e-6)
    assert X[3].nnz == 0
    assert "1 of 4 documents have none of the 2 words" in caplog.text


def test_stop_words_kept() -> None:
    assert "the" in fitted(stop_words=None).words
    assert "the" not in fitted().words


def test_fewer_words_than_asked_for() -> None:
    assert fitted().words == ["bird", "cat", "dog"]


def test_length_of_rows() -> None:
    one = TextVectorizer(row_length="one").fit_transform(DOCUMENTS[:3]).toarray()
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, rtol=1e-6)
    longer = TextVectorizer().fit_transform(DOCUMENTS[:3]).toarray()
    np.testing.assert_allclose((longer**2).mean(1), 1, rtol=1e-6)
    np.testing.assert_allclose(longer, one * 3**0.5, rtol=1e-6)
    with pytest.raises(InputError, match="row_length must be one of sqrt_d, one; got 'two'"):
        TextVectorizer(row_length="two")


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
        TextVectorizer(n_words)


def test_no_words_at_all() -> None:
    with pytest.raises(InputError, match="The documents have no words"):
        TextVectorizer().fit_transform(["the", "!"])
    with pytest.raises(InputError, match="stop_words must be english or null; got 'german'"):
        TextVectorizer(stop_words="german")
