"""The questions as a caller in Python gets them: X and y may have every form that ``fit`` accepts."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import unsupervised_measures
from kingdra_repro.methods import Ensemble, KMeans, choose_pairs, choose_questions
from tests.methods.estimators import make, points

X, GIVEN = points()
TABLE = pd.DataFrame(X, columns=list("abcdef"))
BACKWARDS = np.arange(len(X))[::-1]


@pytest.fixture(scope="module")
def model() -> Any:
    return make("Kingdra").fit(X, GIVEN)


@pytest.mark.parametrize(
    "kind",
    [pd.DataFrame, np.ndarray.tolist, sp.coo_matrix, lambda X: TABLE],
    ids=["table", "list", "COO", "names"],
)
def test_x_may_be_what_fit_takes(kind, model) -> None:
    given = kind(X)
    fitted = make("Kingdra").fit(given, GIVEN)
    asked, disagreement = choose_questions(model, X, GIVEN, n=5)
    measures = unsupervised_measures(model, X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # scikit-learn would warn if column names were lost
        found = choose_questions(fitted, given, GIVEN, n=5)
        pairs = choose_pairs(fitted, given, asked)
        assert unsupervised_measures(fitted, given) == measures
    np.testing.assert_array_equal(found[0], asked)
    np.testing.assert_array_equal(found[1], disagreement)
    np.testing.assert_array_equal(pairs, choose_pairs(model, X, asked))


@pytest.mark.parametrize(
    "kind", [list, pd.Series, lambda y: pd.Series(y, index=BACKWARDS), lambda y: y.astype(np.int8)]
)
def test_no_row_is_asked_for_whose_label_is_given(kind, model) -> None:
    """The labels of a Series are taken in row order, whatever its index."""
    asked, _ = choose_questions(model, X, kind(GIVEN))
    np.testing.assert_array_equal(asked, choose_questions(model, X, GIVEN)[0])
    assert (GIVEN[asked] < 0).all()


class OnALine(Ensemble):
    """A fake ensemble for the points 0 to 10 on a line, whose models disagree on the last three."""

    def disagreement(self, X):
        return np.arange(11) // 8 * 1.0

    def last_hidden_layer(self, X):
        return np.asarray(X)


def test_questions_go_where_the_models_disagree() -> None:
    line = np.arange(11.0)[:, None]
    asked, disagreement = choose_questions(OnALine(2, n_models=2), line, n=1)
    # The mean disagreement, 3 / 11, is added to each weight: the centre is at 7, not at 5.
    assert np.average(line[:, 0], weights=np.arange(11) // 8 + 3 / 11) == pytest.approx(7)
    assert (asked.tolist(), disagreement.tolist()) == ([7], [0])


def test_pairs_are_the_same_where_rows_are_looked_at_in_pieces(model, monkeypatch) -> None:
    asked, _ = choose_questions(model, X, GIVEN, n=5)
    whole = choose_pairs(model, X, asked)
    monkeypatch.setattr("kingdra_repro.methods.questions.ROWS_AT_ONCE", 7)
    np.testing.assert_array_equal(choose_pairs(model, X, asked), whole)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"given": GIVEN[:50]}, r"y must be integers of shape \(90,\), -1 where not known; got int64 of"),
        ({"given": np.where(GIVEN < 0, np.nan, GIVEN)}, "y must be integers .* got float64"),
        ({"n": 0}, "n must be an integer of at least 1; got 0"),
        ({"method": make("Single")}, "method must be a fitted ensemble of two models or more; got 'Single'"),
        ({"method": KMeans(3)}, "method must be a fitted ensemble of two models or more; got 'KMeans'"),
    ],
)
def test_mistakes_are_told_in_one_line(wrong, message, model) -> None:
    with pytest.raises(InputError, match=message):
        choose_questions(**{"method": model, "X": X, **wrong})
